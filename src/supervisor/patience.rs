//! Patience and its end: heartbeats, boot and drain limits, and the escalation of signals.

use super::action::{Action, Cause, Symptom};
use super::machine::{Machine, log};
use super::slot::{Ready, Slot, Starting, Step, Stopping};
use crate::types::{Level, Mono, Pid, Signal, SlotId};
use std::time::Duration;

/// How long the stack traces of a hung worker are waited for: its successor serves already, and finding the names in
/// the debug information of a large library takes seconds on a busy machine.
const AUTOPSY: Duration = Duration::from_secs(8);
/// The same of a worker that never booted: its place is wanted.
const BOOT_AUTOPSY: Duration = Duration::from_secs(3);
/// The same when somebody waits for the stop.
const LATE_AUTOPSY: Duration = Duration::from_secs(1);
/// How long a core dump may take before KILL.
const ABORT: Duration = Duration::from_secs(2);
/// If the answer to `ReadHeartbeat` never came, it is asked for again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Machine {
    /// Everything that is due.
    pub(super) fn deadline(&mut self, now: Mono, out: &mut Vec<Action>) {
        for index in 0..self.seats.len() {
            let slot = SlotId(u16::try_from(index).unwrap_or(u16::MAX));
            if self.seats[index].slot.deadline(false).is_none_or(|deadline| deadline > now) {
                continue;
            }
            match &mut self.seats[index].slot {
                Slot::Starting(Starting { birth, .. }) => {
                    let symptom = Symptom::BootTimeout(birth.limits.boot_timeout);
                    self.examine(slot, symptom, now, out);
                }
                Slot::Ready(ready) => {
                    ready.beat_by = Some(now.after(ASK_AGAIN));
                    out.push(Action::ReadHeartbeat { slot });
                }
                Slot::Stopping(_) => self.escalate(slot, now, out),
                Slot::Empty | Slot::Waiting { .. } | Slot::Broken { .. } => {}
            }
        }
        self.rebuild_due(now, out);
        self.postponed_due(now, out);
    }

    pub(super) fn heartbeat(&mut self, now: Mono, slot: SlotId, at: Mono, out: &mut Vec<Action>) {
        let Some(Slot::Ready(ready)) = self.seats.get_mut(slot.index()).map(|seat| &mut seat.slot) else { return };
        // A worker that has not beaten yet has its time from Ready.
        let at = at.max(ready.since);
        let beat_by = ready.birth.limits.beat_by(at);
        if beat_by.is_none_or(|beat_by| beat_by > now) {
            ready.beat_by = beat_by;
            return;
        }
        if let Some(pid) = ready.birth.pid {
            log(out, Level::Critical, format!("WORKER TIMEOUT (pid:{pid})"));
        }
        self.examine(slot, Symptom::Hung(now.since(at)), now, out);
    }

    pub(super) fn traced(&mut self, now: Mono, pid: Pid, out: &mut Vec<Action>) {
        let Some((slot, seat)) = self.seat_of(pid) else { return };
        if matches!(&seat.slot, Slot::Stopping(Stopping { step: Step::Examined { .. }, .. })) {
            self.escalate(slot, now, out);
        }
    }

    /// After a sleep of the whole machine nobody is judged by what the clock says.
    pub(super) fn grant_free_round(&mut self, now: Mono) {
        for seat in &mut self.seats {
            match &mut seat.slot {
                Slot::Ready(Ready { birth, beat_by, .. }) => *beat_by = birth.limits.beat_by(now),
                Slot::Starting(Starting { birth, deadline, .. }) => *deadline = birth.limits.booted_by(now),
                _ => {}
            }
        }
    }

    /// Something is wrong with this worker: first what can still be learnt from it.
    fn examine(&mut self, slot: SlotId, symptom: Symptom, now: Mono, out: &mut Vec<Action>) {
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        let booting = match &seat.slot {
            Slot::Starting(_) => true,
            Slot::Stopping(stopping) => stopping.booting,
            _ => false,
        };
        let Some(birth) = seat.slot.birth().copied() else { return };
        out.push(birth.pid.map_or(Action::Withdraw { slot }, |pid| Action::Autopsy { slot, pid, symptom }));
        let patience = match symptom {
            Symptom::DrainOverdue(_) => LATE_AUTOPSY,
            _ if booting => BOOT_AUTOPSY,
            _ => AUTOPSY,
        };
        let step = Step::Examined { until: now.after(patience), symptom };
        seat.slot = Slot::Stopping(Stopping { birth, booting, step });
    }

    /// The next, harder step.
    fn escalate(&mut self, slot: SlotId, now: Mono, out: &mut Vec<Action>) {
        let Some(Slot::Stopping(stopping)) = self.seats.get_mut(slot.index()).map(|seat| &mut seat.slot) else {
            return;
        };
        let kill = |cause| (Signal::KILL, Step::Killed { cause });
        let (signal, step) = match &stopping.step {
            Step::Asked { span, .. } => {
                let span = *span;
                return self.examine(slot, Symptom::DrainOverdue(span), now, out);
            }
            Step::Hurried { quick: true, .. } => kill(Cause::QuickStop),
            Step::Hurried { quick: false, .. } => kill(Cause::Asked),
            // It had its time to end by itself; a core dump of it would tell nothing that its stacks do not.
            Step::Examined { symptom: symptom @ Symptom::DrainOverdue(_), .. } => kill(Cause::Killed(*symptom)),
            Step::Examined { symptom, .. } => {
                (Signal::ABRT, Step::Aborted { kill: now.after(ABORT), symptom: *symptom })
            }
            Step::Aborted { symptom, .. } => kill(Cause::Killed(*symptom)),
            Step::Killed { .. } => return,
        };
        stopping.step = step;
        let pid: Option<Pid> = stopping.birth.pid;
        out.extend(pid.map(|pid| Action::Signal { pid, signal }));
    }
}
