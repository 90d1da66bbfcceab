//! The rules of the house, kept by somebody who knows nothing of the machine's inside: a book of processes and
//! generations that is written from events and actions alone, and a list of things that must never be read in it.

use crate::entry::Entry;
use rustcorn::supervisor::{Action, Event, Intent, Machine, Phase, SlotState, SlotView, Terms};
use rustcorn::types::{ExitStatus, Generation, Pid, Signal, SlotId, exit};
use std::collections::{BTreeMap, BTreeSet};

/// The book.
pub struct Shadow {
    capacity: u16,
    entries: BTreeMap<Pid, Entry>,
    /// Spawns that have not been answered.
    pending: BTreeMap<SlotId, Generation>,
    /// Those among them that were withdrawn.
    withdrawn: BTreeSet<SlotId>,
    loaded: BTreeMap<Generation, Terms>,
    asked: BTreeSet<Generation>,
    upgrade: Option<Pid>,
    upgrade_pending: bool,
    /// Another arbiter serves from our listeners: the one before us.
    beside_another: bool,
    /// The listeners are still to be settled.
    unsettled: bool,
    /// Workers leave sockets that have been let go of.
    leaving: bool,
    building: bool,
    ever_ready: bool,
    ever_served: bool,
    /// A stop was asked for, or the first start has failed.
    stopping: bool,
    said_stopping: bool,
    /// What to leave with.
    code: i32,
    exited: bool,
    /// The newest phase is a reload that has not been said to be over.
    said_reloading: bool,
    last_broken: u16,
}

type Verdict = Result<(), String>;

macro_rules! must {
    ($rule:expr, $($breach:tt)+) => {
        if !$rule {
            return Err(format!($($breach)+));
        }
    };
}

impl Shadow {
    pub fn new(terms: Terms, capacity: u16, is_upgrade: bool) -> Self {
        Self {
            capacity,
            entries: BTreeMap::new(),
            pending: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            loaded: BTreeMap::from([(Generation::FIRST, terms)]),
            asked: BTreeSet::from([Generation::FIRST]),
            upgrade: None,
            upgrade_pending: false,
            beside_another: is_upgrade,
            unsettled: is_upgrade,
            leaving: false,
            building: false,
            ever_ready: false,
            ever_served: false,
            stopping: false,
            said_stopping: false,
            code: exit::OK,
            exited: false,
            said_reloading: false,
            last_broken: 0,
        }
    }

    /// Checks what one event has led to. `event` is none for the very beginning.
    pub fn observe(&mut self, event: Option<&Event>, actions: &[Action], machine: &Machine) -> Verdict {
        must!(!self.exited, "an event after Exit");
        let died = event.and_then(|event| self.note(event, machine.is_stopping()));
        let mut obituaries = 0;
        for (index, action) in actions.iter().enumerate() {
            must!(!self.exited, "an action after Exit: {action:?}");
            match (action, &died) {
                (Action::Obituary { slot, pid, generation, status, cause }, Some((dead, entry, how))) => {
                    obituaries += 1;
                    must!(pid == dead && status == how, "the obituary is of somebody else: {action:?}");
                    must!((*slot, *generation) == (entry.slot, entry.generation), "{action:?} names the wrong seat");
                    must!(entry.explains(cause, self.stopping), "{action:?} gives the wrong cause");
                }
                (Action::Obituary { .. }, None) => return Err(format!("nobody died: {action:?}")),
                _ => self.witness(action, &actions[index + 1..], machine)?,
            }
        }
        must!(obituaries == usize::from(died.is_some()), "{obituaries} obituaries for {event:?}");
        must!(machine.is_stopping() == self.stopping, "stopping is {}", machine.is_stopping());
        self.compare(machine)
    }

    /// Writes an event down; a worker that it was the end of.
    fn note(&mut self, event: &Event, stops: bool) -> Option<(Pid, Entry, ExitStatus)> {
        match event {
            Event::Intent(Intent::StopGracefully | Intent::StopQuickly) => self.stopping = true,
            Event::Loaded { generation, terms } => {
                self.loaded.insert(*generation, terms.clone());
            }
            Event::Started { slot, pid } => {
                let entry = self.expected(*slot)?;
                self.entries.insert(*pid, entry);
            }
            Event::SpawnFailed { slot, .. } => {
                let entry = self.expected(*slot)?;
                // Who was withdrawn is missed by nobody, unless it was because it took too long.
                if !entry.touched || stops {
                    self.note_boot_failure(entry.generation, exit::WORKER_BOOT);
                }
            }
            Event::Ready { pid } => {
                // Whoever is told to go meanwhile is ready too late.
                let entry = self.entries.get_mut(pid).filter(|entry| !entry.touched)?;
                (entry.ready, self.ever_ready) = (true, true);
            }
            Event::BootFailed { pid, code, .. } => {
                let entry = self.entries.get_mut(pid).filter(|entry| !entry.touched)?;
                entry.boot_failure = Some(*code);
            }
            Event::RecycleWanted { pid, .. } => {
                let entry = self.entries.get_mut(pid).filter(|entry| entry.ready)?;
                entry.worn = true;
            }
            Event::Leaving { pid } => {
                let entry = self.entries.get_mut(pid).filter(|entry| !entry.touched)?;
                (entry.touched, entry.told) = (true, true);
            }
            Event::UpgradeStarted { pid } => (self.upgrade, self.upgrade_pending) = (Some(*pid), false),
            Event::UpgradeFailed { .. } => (self.upgrade_pending, self.unsettled) = (false, true),
            Event::SocketsLeave { .. } => self.leaving = true,
            Event::SocketsLeft => self.leaving = false,
            Event::Built { .. } => self.building = false,
            Event::Exited { pid, .. } if self.upgrade == Some(*pid) => (self.upgrade, self.unsettled) = (None, true),
            Event::Promoted => self.beside_another = false,
            Event::Exited { pid, status } => {
                let entry = self.entries.remove(pid)?;
                if !entry.ready && (!entry.touched || entry.examined || entry.withdrawn && stops) {
                    self.note_boot_failure(entry.generation, entry.boot_failure.unwrap_or(exit::WORKER_BOOT));
                }
                return Some((*pid, entry, *status));
            }
            _ => {}
        }
        None
    }

    /// Who is about to have a process in this seat: nobody so far, or somebody who has loaded the application for it.
    fn expected(&mut self, slot: SlotId) -> Option<Entry> {
        let Some(generation) = self.pending.remove(&slot) else {
            let stand_in = self.entries.iter().find(|(_, entry)| entry.slot == slot && !entry.ready);
            let pid = stand_in.map(|(pid, _)| *pid)?;
            return self.entries.remove(&pid);
        };
        let withdrawn = self.withdrawn.remove(&slot);
        Some(Entry {
            slot,
            generation,
            ready: false,
            touched: withdrawn,
            examined: false,
            withdrawn,
            told: false,
            worn: false,
            boot_failure: None,
        })
    }

    /// Before anybody has been ready, the first boot that fails ends everything, unless a reload has overtaken it.
    fn note_boot_failure(&mut self, generation: Generation, code: i32) {
        if !self.ever_ready && !self.stopping && self.loaded.contains_key(&generation) {
            (self.code, self.stopping) = (code, true);
        }
    }

    fn witness(&mut self, action: &Action, rest: &[Action], machine: &Machine) -> Verdict {
        match action {
            Action::Spawn { slot, generation } => self.witness_spawn(*slot, *generation, machine)?,
            Action::Withdraw { slot } => {
                must!(self.pending.contains_key(slot), "{action:?}, but nobody is to be forked there");
                self.withdrawn.insert(*slot);
            }
            Action::Signal { pid, signal } => self.witness_signal(*pid, *signal, machine)?,
            Action::Autopsy { slot, pid, .. } => {
                let Some(entry) = self.entries.get_mut(pid) else { return Err(format!("{action:?}: no such worker")) };
                must!(entry.slot == *slot, "{action:?} names the wrong seat");
                (entry.touched, entry.examined) = (true, true);
            }
            Action::ReadHeartbeat { slot } => {
                let alive = self.entries.values().any(|entry| entry.slot == *slot && entry.ready);
                must!(alive, "{action:?}, but nobody serves there");
            }
            Action::Load { generation } => {
                self.unsettled = true;
                must!(!self.stopping && !self.leaving, "{action:?} while stopping, or while sockets are left");
                must!(self.asked.last() < Some(generation), "{action:?}: the name is used");
                self.asked.insert(*generation);
            }
            Action::Forget { generation } => {
                must!(self.loaded.remove(generation).is_some(), "{action:?}: it is not loaded");
                let needed = machine.target() == *generation || machine.proven() == Some(*generation);
                must!(!needed || self.stopping, "{action:?}: it is needed");
            }
            Action::StartUpgrade => {
                must!(!self.stopping && !self.leaving, "{action:?} while stopping, or while sockets are left");
                must!(!self.upgrade_pending && self.upgrade.is_none(), "{action:?} now");
                self.upgrade_pending = true;
            }
            Action::StartBuild => {
                must!(!self.stopping && !self.building, "{action:?} now");
                self.building = true;
            }
            Action::CancelBuild => self.building = false,
            Action::CloseListeners => must!(self.stopping, "{action:?} without a stop"),
            Action::Settle { generation } => {
                must!(!self.beside_another && self.upgrade.is_none(), "{action:?} beside another arbiter");
                must!(self.unsettled, "{action:?} again");
                self.unsettled = false;
                must!(
                    self.loaded.len() == 1 && self.loaded.contains_key(generation),
                    "{action:?} of {:?}",
                    self.loaded
                );
                let ready = |view: &SlotView| view.state == SlotState::Ready && view.generation != Some(*generation);
                must!(!machine.slots().iter().any(ready), "{action:?}, but others serve");
                let ready = |view: &SlotView| view.state == SlotState::Ready && view.generation == Some(*generation);
                must!(machine.slots().iter().any(ready), "{action:?}, but nobody serves");
            }
            Action::CloseLeft => must!(self.leaving, "{action:?}, but nothing is left"),
            Action::Announce(phase) => self.witness_phase(phase, machine)?,
            Action::Exit(code) => {
                must!(rest.is_empty(), "Exit is not the last action: {rest:?}");
                must!(self.entries.is_empty() && self.pending.is_empty(), "Exit while {} live", self.entries.len());
                must!(*code == self.code, "{action:?} instead of {}", self.code);
                must!(self.stopping, "{action:?}, but nobody asked for a stop");
                self.exited = true;
            }
            Action::Obituary { .. } | Action::ReopenLogs | Action::Log(..) => {}
        }
        Ok(())
    }

    fn witness_spawn(&mut self, slot: SlotId, generation: Generation, machine: &Machine) -> Verdict {
        must!(!self.stopping && !machine.is_stopping(), "slot {slot} is spawned while stopping");
        must!(slot.0 < self.capacity, "slot {slot} does not exist");
        let taken = self.pending.contains_key(&slot) || self.entries.values().any(|entry| entry.slot == slot);
        must!(!taken, "slot {slot} is taken");
        must!(self.loaded.contains_key(&generation), "generation {generation} is not loaded (any more)");
        let right = machine.target() == generation || machine.proven() == Some(generation);
        must!(right, "generation {generation} is neither the target nor what it would fall back to");
        self.pending.insert(slot, generation);
        let alive = self.entries.len() + self.pending.len();
        // Beyond the cap only to have as many as shall serve: then the others are all on their way out.
        let counts = |view: &SlotView| matches!(view.state, SlotState::Starting | SlotState::Ready);
        let serving = machine.slots().iter().filter(|view| counts(view)).count();
        if alive > machine.cap() && serving < machine.cap() {
            return Ok(());
        }
        must!(alive <= machine.cap(), "{alive} processes, but the cap is {}", machine.cap());
        let (mut workers, mut surge) = (machine.wanted(), 1);
        for terms in self.loaded.values() {
            (workers, surge) = (workers.max(terms.workers), surge.max(terms.surge));
        }
        // Before a reload TTIN may have asked for more than any settings do; the seats bound that.
        let most = usize::from(workers.max(self.capacity - surge)) + usize::from(surge);
        must!(alive <= most, "{alive} processes, but no settings allow more than {most}");
        Ok(())
    }

    fn witness_signal(&mut self, pid: Pid, signal: Signal, machine: &Machine) -> Verdict {
        let Some(entry) = self.entries.get_mut(&pid) else { return Err(format!("{signal} to {pid}, who is nobody")) };
        let first = !entry.touched;
        match signal {
            Signal::USR1 => return Ok(()),
            Signal::TERM | Signal::QUIT => {
                must!(signal == Signal::TERM || self.stopping, "QUIT without a stop");
                entry.touched = true;
            }
            Signal::ABRT => must!(entry.examined, "ABRT to {pid}, who was not examined"),
            Signal::KILL => must!(!first, "KILL to {pid}, who was never asked to go"),
            _ => return Err(format!("{signal} to {pid}: what for?")),
        }
        let (ready, stopping) = (entry.ready, machine.is_stopping());
        let staying = self.staying();
        let wanted = usize::from(machine.wanted());
        let kept = !first || !ready || stopping || staying >= wanted;
        must!(kept, "{pid} was retired, which leaves {staying} ready of {wanted} wanted");
        Ok(())
    }

    fn witness_phase(&mut self, phase: &Phase, machine: &Machine) -> Verdict {
        match phase {
            Phase::Serving { generation, ready, wanted, broken, .. } => {
                must!(!self.stopping, "{phase:?} while stopping");
                must!(self.ever_ready, "{phase:?}, but nobody has been ready yet");
                must!(self.loaded.contains_key(generation), "{phase:?} of a generation that is not loaded");
                must!(*wanted == machine.wanted(), "{phase:?}, but {} are wanted", machine.wanted());
                let staying = self.staying();
                must!(usize::from(*ready) == staying, "{phase:?}, but {staying} are ready");
                (self.ever_served, self.said_reloading, self.last_broken) = (true, false, *broken);
            }
            Phase::Reloading => {
                must!(!self.stopping && self.ever_served, "{phase:?} now");
                self.said_reloading = true;
            }
            Phase::Stopping => must!(!std::mem::replace(&mut self.said_stopping, true), "{phase:?} twice"),
            Phase::Upgraded { pid } => must!(self.upgrade == Some(*pid), "{phase:?}, but it does not run"),
            Phase::UpgradeLost => {
                must!(self.upgrade.is_none(), "{phase:?}, but it runs");
                // Who hears of us again hears how we are.
                self.said_stopping = false;
            }
            Phase::Promoted => {
                must!(!self.beside_another, "{phase:?}, but the arbiter before us serves");
                self.said_stopping = false;
            }
        }
        Ok(())
    }

    /// Ready and nobody has told them to go.
    fn staying(&self) -> usize {
        self.entries.values().filter(|entry| entry.ready && !entry.touched).count()
    }

    /// Whether the machine believes what the book says.
    fn compare(&self, machine: &Machine) -> Verdict {
        let slots = machine.slots();
        let seated: BTreeMap<Pid, _> = slots.iter().filter_map(|view| Some((view.pid?, view))).collect();
        must!(seated.len() == self.entries.len(), "{} seated, {} alive", seated.len(), self.entries.len());
        for (pid, entry) in &self.entries {
            let Some(view) = seated.get(pid) else { return Err(format!("{pid} has no seat")) };
            must!(view.slot == entry.slot && view.generation == Some(entry.generation), "{pid} in the wrong seat");
            let state = match (entry.touched, entry.ready) {
                (true, _) => SlotState::Stopping,
                (false, true) => SlotState::Ready,
                (false, false) => SlotState::Starting,
            };
            must!(view.state == state, "{pid} is {state:?}, but seen as {:?}", view.state);
        }
        must!(machine.wanted() <= self.capacity, "{} wanted", machine.wanted());
        Ok(())
    }

    pub fn is_over(&self) -> bool {
        self.exited
    }

    /// Whether everything is as it shall be: the wanted workers of one generation, and nothing else. What is missing
    /// otherwise.
    pub fn at_rest(&self, machine: &Machine) -> Verdict {
        let (target, wanted) = (machine.target(), usize::from(machine.wanted()));
        let right = self.entries.values().filter(|it| it.ready && !it.touched && it.generation == target).count();
        must!(right == wanted, "{right} ready workers of generation {target}, {wanted} wanted");
        must!(self.entries.len() == wanted, "{} processes, {wanted} wanted", self.entries.len());
        let worn = self.entries.values().filter(|entry| entry.worn).count();
        must!(worn == 0, "{worn} workers asked to be replaced");
        let generations: Vec<_> = self.loaded.keys().copied().collect();
        must!(generations == [target], "loaded are {generations:?}, but {target} serves");
        must!(!self.said_reloading, "the reload has no end");
        must!(self.last_broken == 0, "{} slots are said to be broken", self.last_broken);
        must!(self.ever_served || wanted == 0, "serving was never announced");
        must!(!self.building, "a build runs");
        let is_alone = !self.beside_another && self.upgrade.is_none();
        let may_settle = is_alone && machine.proven() == Some(target) && wanted > 0;
        must!(!self.unsettled || !may_settle, "the listeners were never settled");
        must!(!self.leaving, "the sockets that were left have never ended");
        Ok(())
    }
}
