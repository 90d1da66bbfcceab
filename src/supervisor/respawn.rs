//! Births and deaths: what a worker's readiness and its end mean for its seat.

use super::action::{Action, Cause};
use super::machine::{Machine, log};
use super::slot::{BROKEN_REST, Ready, Slot, Starting};
use crate::types::{ExitStatus, Generation, Level, Mono, Pid, SlotId, exit};

impl Machine {
    pub(super) fn ready(&mut self, now: Mono, pid: Pid, out: &mut Vec<Action>) {
        // A worker that was told to go meanwhile stays told.
        let Some((slot, seat)) = self.seat_of(pid) else { return };
        let Slot::Starting(Starting { birth, .. }) = &seat.slot else { return };
        let birth = *birth;
        let beat_by = birth.limits.beat_by(now);
        seat.slot = Slot::Ready(Ready { birth, since: now, beat_by, recycle: false });
        seat.booted();
        let took = now.since(birth.since).as_secs_f64();
        let text = format!("Worker {slot} ready (pid:{pid}, generation {}, booted in {took:.3} s)", birth.generation);
        log(out, Level::Info, text);
        if birth.generation == self.target {
            self.prove(now, out);
        }
    }

    /// Its exit follows and is what counts.
    pub(super) fn note_boot_failure(&mut self, pid: Pid, code: i32, reason: String) {
        if let Some((_, seat)) = self.seat_of(pid)
            && let Slot::Starting(starting) = &mut seat.slot
        {
            starting.failure = Some((code, reason));
        }
    }

    pub(super) fn exited(&mut self, now: Mono, pid: Pid, status: ExitStatus, out: &mut Vec<Action>) {
        let Some((slot, seat)) = self.seat_of(pid) else { return };
        let ended = std::mem::take(&mut seat.slot);
        let Some(generation) = ended.birth().map(|birth| birth.generation) else { return };
        let mut obituary = |cause: Cause| out.push(Action::Obituary { slot, pid, generation, status, cause });
        match ended {
            Slot::Starting(Starting { failure: Some((code, reason)), .. }) => {
                obituary(Cause::BootFailed { code, reason: reason.clone() });
                self.boot_death(now, slot, generation, code, &reason, out);
            }
            Slot::Starting(_) => {
                obituary(Cause::DiedBooting);
                let reason = format!("worker (pid:{pid}) {status} before it was ready");
                self.boot_death(now, slot, generation, exit::WORKER_BOOT, &reason, out);
            }
            Slot::Ready(Ready { since, .. }) => {
                obituary(Cause::Unexpected);
                self.crash(now, slot, generation, since, status);
            }
            Slot::Stopping(stopping) => {
                obituary(stopping.step.cause());
                if stopping.boot_timed_out() {
                    let reason = format!("worker (pid:{pid}) was not ready within boot_timeout");
                    self.boot_death(now, slot, generation, exit::WORKER_BOOT, &reason, out);
                }
            }
            Slot::Empty | Slot::Waiting { .. } | Slot::Broken { .. } => {}
        }
    }

    pub(super) fn spawn_failed(&mut self, now: Mono, slot: SlotId, reason: &str, out: &mut Vec<Action>) {
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        let ended = std::mem::take(&mut seat.slot);
        let Some(generation) = ended.birth().map(|birth| birth.generation) else { return };
        let reason = match &ended {
            Slot::Starting(_) => format!("a worker could not be started: {reason}"),
            Slot::Stopping(stopping) if stopping.boot_timed_out() => {
                format!("worker {slot} had no process of its own within boot_timeout")
            }
            // It was not wanted any more.
            _ => return,
        };
        log(out, Level::Error, &*reason);
        self.boot_death(now, slot, generation, exit::WORKER_BOOT, &reason, out);
    }

    /// A ready worker died: its seat gets another one, of the generation that is now the right one.
    fn crash(&mut self, now: Mono, slot: SlotId, generation: Generation, ready: Mono, status: ExitStatus) {
        let successor = match &self.base {
            Some(base) if !self.proven && generation != self.target => base.generation,
            _ => self.target,
        };
        if self.stop.is_none()
            && let Some(seat) = self.seats.get_mut(slot.index())
        {
            seat.after_crash(now, ready, status, successor);
        }
    }

    fn boot_death(
        &mut self,
        now: Mono,
        slot: SlotId,
        generation: Generation,
        code: i32,
        reason: &str,
        out: &mut Vec<Action>,
    ) {
        if self.stop.is_some() {
            return;
        }
        let base = self.base.as_ref().map(|base| base.generation);
        if !self.proven && base.is_none() {
            if generation == self.target {
                self.give_up_start(now, code, reason, out);
            }
        } else if generation == self.target && base.is_some() {
            self.abandon_reload(now, reason, out);
        } else if generation == self.target || Some(generation) == base && !self.proven {
            self.try_again(now, slot, generation, out);
        }
    }

    fn try_again(&mut self, now: Mono, slot: SlotId, generation: Generation, out: &mut Vec<Action>) {
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        seat.after_boot_death(now, generation);
        let deaths = seat.boot_deaths();
        match &seat.slot {
            Slot::Broken { .. } => {
                let rest = BROKEN_REST.as_secs();
                let text = format!("Worker {slot} is broken: {deaths} in a row died booting; next try in {rest} s");
                log(out, Level::Critical, text);
            }
            Slot::Waiting { until, .. } => {
                let wait = until.since(now).as_secs_f64();
                log(out, Level::Warning, format!("Worker {slot}: {deaths} died booting; next try in {wait:.1} s"));
            }
            _ => {}
        }
    }
}
