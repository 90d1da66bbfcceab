//! The end: graceful, quick, and that of a first start that failed. Also the rest that WINCH asks for.

use super::action::{Action, Phase};
use super::machine::{Machine, log};
use super::slot::{Slot, Step, Stopping};
use crate::types::{Level, Mono, Signal, SlotId, exit};
use std::time::Duration;

/// How long a worker may take to follow a quick stop; the whole of it stays under two seconds.
const QUICK: Duration = Duration::from_millis(1_500);

/// A stop under way.
#[derive(Clone, Debug)]
pub struct Stop {
    code: i32,
    quick: bool,
    exited: bool,
}

impl Machine {
    pub(super) fn stop_gracefully(&mut self, now: Mono, out: &mut Vec<Action>) {
        // Whoever asks twice has no more patience.
        if self.stop.is_some() {
            return self.stop_quickly(now, out);
        }
        self.begin_stop(exit::OK, false, out);
        for slot in self.seats_with_processes() {
            // What has not served yet has nothing to finish.
            self.dismiss(slot, now, out);
            self.retire(slot, now, out);
        }
    }

    pub(super) fn stop_quickly(&mut self, now: Mono, out: &mut Vec<Action>) {
        match &mut self.stop {
            Some(stop) if stop.quick => return,
            Some(stop) => {
                stop.quick = true;
                log(out, Level::Info, "Quick shutdown requested");
            }
            None => self.begin_stop(exit::OK, true, out),
        }
        self.hurry_all(now, out);
    }

    /// The first workers cannot boot: there is nothing that could go on. Only the first failure counts.
    pub(super) fn give_up_start(&mut self, now: Mono, code: i32, reason: &str, out: &mut Vec<Action>) {
        log(out, Level::Critical, format!("The application cannot start: {reason}"));
        let phrase = if code == exit::APP_LOAD { "App failed to load." } else { "Worker failed to boot." };
        log(out, Level::Critical, format!("Reason: {phrase}"));
        self.begin_stop(code, true, out);
        self.hurry_all(now, out);
    }

    fn begin_stop(&mut self, code: i32, quick: bool, out: &mut Vec<Action>) {
        self.stop = Some(Stop { code, quick, exited: false });
        out.push(Action::Announce(Phase::Stopping));
        // Before the workers are told: whoever closes a listening socket last answers for its queue.
        out.push(Action::CloseListeners);
        self.cancel_rebuild(out);
        for seat in &mut self.seats {
            if seat.slot.pending().is_some() {
                seat.slot = Slot::Empty;
            }
        }
    }

    fn hurry_all(&mut self, now: Mono, out: &mut Vec<Action>) {
        for slot in self.seats_with_processes() {
            let Some(seat) = self.seats.get_mut(slot.index()) else { continue };
            let booting = match &seat.slot {
                Slot::Stopping(Stopping { step: Step::Killed { .. }, .. }) => continue,
                Slot::Stopping(stopping) => stopping.booting,
                Slot::Starting(_) => true,
                _ => false,
            };
            let Some(birth) = seat.slot.birth().copied() else { continue };
            out.push(birth.dismissal(slot, Signal::QUIT));
            let step = Step::Hurried { kill: now.after(QUICK), quick: true };
            seat.slot = Slot::Stopping(Stopping { birth, booting, step });
        }
    }

    fn seats_with_processes(&self) -> Vec<SlotId> {
        self.occupied().filter(|(_, seat)| seat.slot.birth().is_some()).map(|(slot, _)| slot).collect()
    }

    /// Leaves once nobody is left.
    pub(super) fn finish_stop(&mut self, out: &mut Vec<Action>) {
        let alive = self.alive();
        if let Some(stop) = &mut self.stop
            && alive == 0
            && !std::mem::replace(&mut stop.exited, true)
        {
            out.push(Action::Exit(stop.code));
        }
    }

    /// WINCH: no workers, but an arbiter that keeps the sockets. HUP or TTIN brings workers back.
    pub(super) fn retire_workers(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.stop.is_some() {
            return;
        }
        self.postponed.give_up();
        // A load that is not answered yet must not bring workers back: its name is given up.
        if std::mem::take(&mut self.loading) {
            self.newest = self.newest.next();
        }
        // What has not shown that it can serve is not what TTIN shall bring back.
        if !self.proven && self.fall_back(now, out) {
            log(out, Level::Warning, "The reload under way is given up");
        }
        if let Some(base) = self.base.take() {
            out.push(Action::Forget { generation: base.generation });
        }
        log(out, Level::Info, "Retiring all workers; HUP or TTIN brings them back");
        self.wanted = 0;
    }
}
