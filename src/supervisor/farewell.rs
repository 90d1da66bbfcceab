//! Workers that go although nobody here has decided it: those that a limit has worn out, and those that somebody else's
//! signal or their application ends. Each gets its successor before it is gone; but where one follows the other in no time, what makes them
//! go will not spare the next one, and the pauses grow.

use super::action::Action;
use super::machine::{Machine, log};
use super::slot::{SHORT_LIFE, Slot, Starting, Step, Stopping, delay_after_short, growing_delay};
use crate::types::{Level, Mono, Pid};
use std::time::Duration;

/// A worker that is beyond a limit this soon after Ready would have been at any time: the limit is less than what it
/// needs.
const WORN_SOON: Duration = Duration::from_secs(10);

/// How many went soon after they were ready, in a row. Not a matter of one seat: the successor sits in another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hurry {
    worn: u32,
    left: u32,
}

impl Machine {
    /// It goes on serving until its successor is ready.
    pub(super) fn mark_for_recycling(&mut self, now: Mono, pid: Pid, reason: &str, due: bool, out: &mut Vec<Action>) {
        let Some((slot, seat)) = self.seat_of(pid) else { return };
        let Slot::Ready(ready) = &mut seat.slot else { return };
        if std::mem::replace(&mut ready.recycle, true) {
            return;
        }
        let age = now.since(ready.since);
        let text = format!("Autorestarting worker {slot} (pid:{pid}): {reason}; its successor comes first");
        if due || age >= WORN_SOON {
            self.hurry.worn = 0;
            return log(out, Level::Info, text);
        }
        self.hurry.worn = self.hurry.worn.saturating_add(1);
        let pause = growing_delay(self.hurry.worn);
        let (age, wait) = (age.as_secs_f64(), pause.as_secs_f64());
        let when = if pause.is_zero() { String::new() } else { format!(", in {wait:.1} s") };
        let why = format!("it was ready for {age:.1} s only: the limit is less than the application needs");
        log(out, Level::Warning, format!("{text}{when}; {why}"));
        self.claim_seats(now.after(pause));
    }

    /// It stops accepting now, so its successor is started now.
    pub(super) fn leaves_on_its_own(&mut self, now: Mono, pid: Pid, out: &mut Vec<Action>) {
        let Some((slot, seat)) = self.seat_of(pid) else { return };
        let (birth, ready) = match &seat.slot {
            Slot::Ready(ready) => (ready.birth, Some(ready.since)),
            // It heard the signal before we heard that it is ready.
            Slot::Starting(Starting { birth, .. }) => (*birth, None),
            // We have told it so.
            _ => return,
        };
        let step = Step::asked(now, birth.limits.graceful_timeout, true);
        seat.slot = Slot::Stopping(Stopping { birth, booting: ready.is_none(), step });
        let soon = ready.is_none_or(|since| now.since(since) < SHORT_LIFE);
        self.hurry.left = if soon { self.hurry.left.saturating_add(1) } else { 0 };
        let pause = delay_after_short(self.hurry.left);
        let text = format!("Worker {slot} (pid:{pid}) leaves, by somebody else's signal or its application's wish");
        if pause.is_zero() {
            log(out, Level::Info, format!("{text}; its successor is started"));
        } else {
            let wait = pause.as_secs_f64();
            log(out, Level::Warning, format!("{text}, as those before it; the next try is in {wait:.1} s"));
        }
        self.claim_seats(now.after(pause));
    }
}
