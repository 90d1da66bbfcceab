//! What the machine wanted during the last step.

use super::Scene;
use rustcorn::supervisor::{Action, Cause, Phase, Symptom};
use rustcorn::types::{Generation, Level, Pid, Signal, SlotId};

impl Scene {
    pub fn step(&self) -> &[Action] {
        &self.step
    }

    pub fn spawned(&self) -> Vec<(SlotId, Generation)> {
        let spawn = |action: &Action| match *action {
            Action::Spawn { slot, generation } => Some((slot, generation)),
            _ => None,
        };
        self.step.iter().filter_map(spawn).collect()
    }

    pub fn signals(&self) -> Vec<(Pid, Signal)> {
        let signal = |action: &Action| match *action {
            Action::Signal { pid, signal } => Some((pid, signal)),
            _ => None,
        };
        self.step.iter().filter_map(signal).collect()
    }

    /// Who need not be forked any more.
    pub fn withdrawn(&self) -> Vec<SlotId> {
        let withdraw = |action: &Action| match *action {
            Action::Withdraw { slot } => Some(slot),
            _ => None,
        };
        self.step.iter().filter_map(withdraw).collect()
    }

    /// Who was asked to go.
    pub fn retired(&self) -> Vec<Pid> {
        terminated(&self.step)
    }

    pub fn load_wanted(&self) -> Option<Generation> {
        self.step.iter().find_map(|action| match *action {
            Action::Load { generation } => Some(generation),
            _ => None,
        })
    }

    pub fn forgotten(&self) -> Vec<Generation> {
        let forget = |action: &Action| match *action {
            Action::Forget { generation } => Some(generation),
            _ => None,
        };
        self.step.iter().filter_map(forget).collect()
    }

    pub fn settled(&self) -> Vec<Generation> {
        let settle = |action: &Action| match *action {
            Action::Settle { generation } => Some(generation),
            _ => None,
        };
        self.step.iter().filter_map(settle).collect()
    }

    pub fn autopsies(&self) -> Vec<(Pid, Symptom)> {
        let autopsy = |action: &Action| match *action {
            Action::Autopsy { pid, symptom, .. } => Some((pid, symptom)),
            _ => None,
        };
        self.step.iter().filter_map(autopsy).collect()
    }

    pub fn obituaries(&self) -> Vec<(Pid, Cause)> {
        let obituary = |action: &Action| match action {
            Action::Obituary { pid, cause, .. } => Some((*pid, cause.clone())),
            _ => None,
        };
        self.step.iter().filter_map(obituary).collect()
    }

    pub fn announced(&self) -> Vec<Phase> {
        let phase = |action: &Action| match action {
            Action::Announce(phase) => Some(phase.clone()),
            _ => None,
        };
        self.step.iter().filter_map(phase).collect()
    }

    /// The newest `Serving`, as (generation, ready, wanted, broken, trouble).
    pub fn serves(&self) -> Option<(Generation, u16, u16, u16, Option<String>)> {
        self.announced().into_iter().rev().find_map(|phase| match phase {
            Phase::Serving { generation, ready, wanted, broken, trouble } => {
                Some((generation, ready, wanted, broken, trouble))
            }
            _ => None,
        })
    }

    /// Whether a line of at least this level contains `text`.
    pub fn logs(&self, level: Level, text: &str) -> bool {
        let fits = |action: &Action| matches!(action, Action::Log(at, line) if *at >= level && line.contains(text));
        self.step.iter().any(fits)
    }

    pub fn exits(&self) -> Option<i32> {
        self.step.iter().find_map(|action| match *action {
            Action::Exit(code) => Some(code),
            _ => None,
        })
    }
}

fn terminated(actions: &[Action]) -> Vec<Pid> {
    let term = |action: &Action| match *action {
        Action::Signal { pid, signal: Signal::TERM } => Some(pid),
        _ => None,
    };
    actions.iter().filter_map(term).collect()
}
