//! Lines that were lost: counted all, told now and then.

use crate::sys::clock;
use crate::types::Mono;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// At most so often the operator log tells of losses.
const PAUSE: Duration = Duration::from_secs(10);

/// The count of a process.
#[derive(Debug, Default)]
pub(super) struct Losses {
    total: AtomicU64,
    untold: AtomicU64,
    /// When they were told last; zero: never.
    told: AtomicU64,
}

impl Losses {
    pub(super) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// `lines` were lost, for this reason.
    pub(super) fn add(&self, lines: u64, reason: &dyn std::fmt::Display) {
        self.total.fetch_add(lines, Relaxed);
        self.untold.fetch_add(lines, Relaxed);
        self.tell(reason, clock::now());
    }

    /// Tells what has not been told, unless that was done a moment ago. Whoever finds it due does it, once.
    pub(super) fn tell(&self, reason: &dyn std::fmt::Display, now: Mono) {
        let told = self.told.load(Relaxed);
        let is_due = told == 0 || now.since(Mono(told)) >= PAUSE;
        if self.untold.load(Relaxed) > 0
            && is_due
            && self.told.compare_exchange(told, now.0.max(1), Relaxed, Relaxed).is_ok()
        {
            let lost = self.untold.swap(0, Relaxed);
            let lines = if lost == 1 { "line" } else { "lines" };
            crate::log::warn!("lost {lost} {lines} of the access log: {reason}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_always_and_told_at_intervals() {
        let losses = Losses::default();
        losses.add(3, &"a test");
        assert_eq!((losses.total(), losses.untold.load(Relaxed)), (3, 0));
        losses.add(2, &"a test");
        assert_eq!((losses.total(), losses.untold.load(Relaxed)), (5, 2), "told again at once");
        losses.tell(&"a test", clock::now().after(PAUSE));
        assert_eq!((losses.total(), losses.untold.load(Relaxed)), (5, 0));
    }
}
