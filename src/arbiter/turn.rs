//! The arbiter's loop: wait, hear, decide, do. It ends only by the machine's `Exit`.

use super::collect::News;
use super::effects::Outcome;
use super::shell::Shell;
use crate::supervisor::{Action, Event, Machine};
use crate::sys;
use crate::sys::wait::Reaped;
use crate::types::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// Runs until the machine wants to leave; returns the exit code.
pub fn run(shell: &mut Shell<'_>, machine: &mut Machine) -> i32 {
    let mut actions = Vec::new();
    machine.begin(sys::clock::now(), &mut actions);
    if let Some(code) = settle(shell, machine, &mut actions, None) {
        return code;
    }
    loop {
        let news = shell.wait(patience(shell, machine, sys::clock::now()));
        for item in news {
            let (event, death) = match item {
                News::Event(event) => (event, None),
                News::Death(reaped) => (Event::Exited { pid: reaped.pid, status: reaped.status }, Some(reaped)),
            };
            machine.handle(sys::clock::now(), event, &mut actions);
            if let Some(code) = settle(shell, machine, &mut actions, death.as_ref()) {
                return code;
            }
        }
        let now = sys::clock::now();
        shell.manager.feed_watchdog(now);
        shell.tend_certificates(now);
        shell.hurry_zygotes(now);
        if machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            machine.handle(now, Event::Deadline, &mut actions);
            if let Some(code) = settle(shell, machine, &mut actions, None) {
                return code;
            }
        }
    }
}

/// Performs actions, and those that their answers lead to, until nothing is left to do. An answer is heard before any
/// other event, so that the machine never learns of the death of a process whose start it was not told.
fn settle(
    shell: &mut Shell<'_>,
    machine: &mut Machine,
    actions: &mut Vec<Action>,
    death: Option<&Reaped>,
) -> Option<i32> {
    let mut answers = VecDeque::new();
    loop {
        shell.note_wanted(machine.wanted());
        for action in actions.drain(..) {
            match shell.perform(action, sys::clock::now(), death) {
                Outcome::Done => {}
                Outcome::Answer(event) => answers.push_back(event),
                Outcome::Exit(code) => return Some(code),
            }
        }
        let event = answers.pop_front()?;
        machine.handle(sys::clock::now(), event, actions);
    }
}

/// How long nothing has to be done: until the first of the deadlines of the machine, the watchdog, the certificates
/// and the zygotes.
fn patience(shell: &Shell<'_>, machine: &Machine, now: Mono) -> Option<Duration> {
    let deadline = machine
        .next_deadline()
        .into_iter()
        .chain(shell.manager.next_watchdog())
        .chain(shell.watch.next_deadline())
        .chain(shell.zygotes.next_deadline())
        .min()?;
    // Rounded up: waking a moment early would turn the loop once more for nothing.
    Some(deadline.since(now).saturating_add(Duration::from_millis(1)))
}
