//! The machine: its state, the one function that changes it, and the views on it.

use super::action::{Action, Phase};
use super::event::{Event, Intent, Terms};
use super::farewell::Hurry;
use super::postpone::Postponed;
use super::rebuild::Rebuild;
use super::reload::Base;
use super::slot::{Seat, Slot, Starting, Step};
use super::stop::Stop;
use super::upgrade::Upgrade;
use crate::types::{Generation, Level, Mono, Pid, Signal, SlotId};
use std::time::Duration;

/// If a deadline is noticed this late, the arbiter itself did not run (a suspended machine, SIGSTOP): the workers may
/// have been asleep as well, so nobody is judged by the clock in this round.
const ASLEEP: Duration = Duration::from_secs(5);

/// The supervisor's state machine.
#[derive(Debug)]
pub struct Machine {
    pub(super) seats: Vec<Seat>,
    /// What new workers run.
    pub(super) target: Generation,
    pub(super) terms: Terms,
    /// How many workers of the target shall be ready.
    pub(super) wanted: u16,
    /// Whether a worker of the target has ever been ready.
    pub(super) proven: bool,
    /// During a reload: what is gone back to if the target cannot boot.
    pub(super) base: Option<Base>,
    /// The newest generation that was ever asked for.
    pub(super) newest: Generation,
    /// Whether its load has not been answered yet.
    pub(super) loading: bool,
    /// The generation that serves alone, since the newest attempt to load another.
    pub(super) settled: Option<Generation>,
    /// We are an upgrade, and the arbiter before us serves from our listeners, too.
    pub(super) beside_another: bool,
    pub(super) postponed: Postponed,
    /// Why the last reload did not succeed.
    pub(super) trouble: Option<String>,
    /// The newest `Serving` or `Reloading` that is out.
    pub(super) announced: Option<Phase>,
    pub(super) rebuild: Rebuild,
    pub(super) upgrade: Upgrade,
    pub(super) hurry: Hurry,
    pub(super) stop: Option<Stop>,
}

/// What a seat is, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Nobody, and nobody expected.
    Empty,
    /// A worker will be started here.
    Waiting,
    /// A worker boots.
    Starting,
    /// A worker serves.
    Ready,
    /// A worker was told to go.
    Stopping,
    /// Given up for now.
    Broken,
}

/// One seat as others may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Which seat.
    pub slot: SlotId,
    /// Its state.
    pub state: SlotState,
    /// The generation of its worker, or of the worker that is expected.
    pub generation: Option<Generation>,
    /// Its process.
    pub pid: Option<Pid>,
}

impl Machine {
    /// A machine that has not begun. `capacity` is the number of seats that exist.
    #[must_use]
    pub fn new(terms: Terms, generation: Generation, capacity: u16) -> Self {
        Self {
            seats: vec![Seat::default(); usize::from(capacity)],
            target: generation,
            wanted: terms.workers,
            terms,
            proven: false,
            base: None,
            newest: generation,
            loading: false,
            settled: Some(generation),
            beside_another: false,
            postponed: Postponed::default(),
            trouble: None,
            announced: None,
            rebuild: Rebuild::default(),
            upgrade: Upgrade::default(),
            hurry: Hurry::default(),
            stop: None,
        }
    }

    /// This arbiter is an upgrade: it serves from the listeners of another until [`Event::Promoted`].
    #[must_use]
    pub fn beside_another(self) -> Self {
        Self { settled: None, beside_another: true, ..self }
    }

    /// Starts the first workers.
    pub fn begin(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.reconcile(now, out);
    }

    /// Takes one event in and appends what is to be done. The only function that changes the machine.
    pub fn handle(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if self.next_deadline().is_some_and(|deadline| now.since(deadline) > ASLEEP) {
            self.grant_free_round(now);
        }
        match event {
            Event::Intent(intent) => self.intend(now, intent, out),
            Event::Loaded { generation, terms } => self.loaded(now, generation, terms, out),
            Event::LoadRefused { generation, reason } => self.load_refused(generation, &reason, out),
            Event::Started { slot, pid } => self.started(slot, pid, out),
            Event::SpawnFailed { slot, reason } => self.spawn_failed(now, slot, &reason, out),
            Event::Ready { pid } => self.ready(now, pid, out),
            Event::BootFailed { pid, code, reason } => self.note_boot_failure(pid, code, reason),
            Event::RecycleWanted { pid, reason, due } => self.mark_for_recycling(now, pid, &reason, due, out),
            Event::Leaving { pid } => self.leaves_on_its_own(now, pid, out),
            Event::Heartbeat { slot, at } => self.heartbeat(now, slot, at, out),
            Event::Traced { pid } => self.traced(now, pid, out),
            Event::Exited { pid, status } if self.upgrade.is(pid) => self.upgrade_exited(pid, status, out),
            Event::Exited { pid, status } => self.exited(now, pid, status, out),
            Event::UpgradeStarted { pid } => self.upgrade_started(pid, out),
            Event::UpgradeFailed { reason } => self.upgrade_failed(&reason, out),
            Event::UpgradeReady { pid } => self.upgrade_ready(pid, out),
            Event::Promoted => self.promoted(out),
            Event::SocketsLeave { until } => self.sockets_leave(until),
            Event::SocketsLeft => self.sockets_left(out),
            Event::FilesChanged => self.files_changed(now),
            Event::Built { ok } => self.built(now, ok, out),
            Event::Deadline => self.deadline(now, out),
        }
        self.reconcile(now, out);
    }

    fn intend(&mut self, now: Mono, intent: Intent, out: &mut Vec<Action>) {
        log(out, Level::Info, format!("Handling signal: {}", signal_name(intent)));
        match intent {
            Intent::Reload => self.reload_soon(now, out),
            Intent::MoreWorkers => self.more_workers(out),
            Intent::FewerWorkers => self.fewer_workers(out),
            Intent::ReopenLogs => self.reopen_logs(out),
            Intent::Upgrade => self.upgrade_soon(now, out),
            Intent::RetireWorkers => self.retire_workers(now, out),
            Intent::StopGracefully => self.stop_gracefully(now, out),
            Intent::StopQuickly => self.stop_quickly(now, out),
        }
    }

    /// When `handle` must be called with `Event::Deadline` at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let may_spawn = self.may_spawn();
        let seats = self.seats.iter().filter_map(|seat| seat.slot.deadline(may_spawn));
        seats.chain(self.rebuild.deadline()).chain(self.postponed.deadline()).min()
    }

    /// Every seat that is not empty.
    #[must_use]
    pub fn slots(&self) -> Vec<SlotView> {
        let views = self.occupied().map(|(slot, seat)| {
            let state = match &seat.slot {
                Slot::Empty => SlotState::Empty,
                Slot::Waiting { .. } => SlotState::Waiting,
                Slot::Starting(_) => SlotState::Starting,
                Slot::Ready(_) => SlotState::Ready,
                Slot::Stopping(_) => SlotState::Stopping,
                Slot::Broken { .. } => SlotState::Broken,
            };
            let birth = seat.slot.birth();
            let generation = birth.map(|birth| birth.generation).or(seat.slot.pending());
            SlotView { slot, state, generation, pid: birth.and_then(|birth| birth.pid) }
        });
        views.collect()
    }

    /// How many workers shall be ready.
    #[must_use]
    pub fn wanted(&self) -> u16 {
        self.wanted
    }

    /// The generation that new workers get.
    #[must_use]
    pub fn target(&self) -> Generation {
        self.target
    }

    /// The newest generation that has ever had a ready worker and may still be started from.
    #[must_use]
    pub fn proven(&self) -> Option<Generation> {
        if self.proven { Some(self.target) } else { self.base.as_ref().map(|base| base.generation) }
    }

    /// Whether a stop has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    pub(super) fn occupied(&self) -> impl Iterator<Item = (SlotId, &Seat)> {
        (0..).map(SlotId).zip(&self.seats).filter(|(_, seat)| seat.slot != Slot::Empty)
    }

    pub(super) fn seat_of(&mut self, pid: Pid) -> Option<(SlotId, &mut Seat)> {
        let mut seats = (0..).map(SlotId).zip(&mut self.seats);
        seats.find(|(_, seat)| seat.slot.birth().is_some_and(|birth| birth.pid == Some(pid)))
    }

    /// The process of a spawn exists.
    fn started(&mut self, slot: SlotId, pid: Pid, out: &mut Vec<Action>) {
        log(out, Level::Info, format!("Booting worker with pid: {pid}"));
        match self.seats.get_mut(slot.index()).map(|seat| &mut seat.slot) {
            Some(Slot::Starting(Starting { birth, .. })) => birth.pid = Some(pid),
            // It was told to go between the spawn and its answer.
            Some(Slot::Stopping(stopping)) => {
                stopping.birth.pid = Some(pid);
                let signal = stopping.step.first_signal();
                if signal == Signal::KILL {
                    // There is nothing harder to come.
                    stopping.step = Step::Killed { cause: stopping.step.cause() };
                }
                out.push(Action::Signal { pid, signal });
            }
            _ => {}
        }
    }

    fn reopen_logs(&mut self, out: &mut Vec<Action>) {
        out.push(Action::ReopenLogs);
        let pids = self.seats.iter().filter_map(|seat| seat.slot.birth()?.pid);
        out.extend(pids.map(|pid| Action::Signal { pid, signal: Signal::USR1 }));
    }
}

/// The name that operators send: `kill -HUP`.
fn signal_name(intent: Intent) -> &'static str {
    match intent {
        Intent::Reload => "hup",
        Intent::MoreWorkers => "ttin",
        Intent::FewerWorkers => "ttou",
        Intent::ReopenLogs => "usr1",
        Intent::Upgrade => "usr2",
        Intent::RetireWorkers => "winch",
        Intent::StopGracefully => "term",
        Intent::StopQuickly => "int/quit",
    }
}

pub(super) fn log(out: &mut Vec<Action>, level: Level, text: impl Into<String>) {
    out.push(Action::Log(level, text.into()));
}
