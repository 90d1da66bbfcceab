//! Letting others run before the worker sleeps.
//!
//! A worker that has answered everything sleeps until its next request comes. Falling asleep and being woken takes the
//! system longer than reading that request, and the more workers there are, the more often each of them sleeps. Whoever is
//! about to send the next requests (a proxy on this machine, say) may be waiting for this very core: if it runs first, they
//! are there before the worker would sleep, and several at once. Where nobody waits, or only in another control group with
//! processor time of its own, the offer is one short system call.
//!
//! For a thread that has nothing else than this loop: one that calls an application in between parks it in each turn.
//!
//! A neighbour that only computes keeps the core for as long as the system lets it, and a request waits for that. So the
//! core is not offered for a while after it was gone for long, and ever less often while that goes on.

use crate::sys::clock;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::runtime::Builder;

/// A client that keeps 64 connections busy needs half of it for a round, and a time slice is longer on most systems.
/// Nanoseconds, as all times here.
const LONG: u64 = 2_000_000;

/// How long the core is kept after it was gone for long, at first and at last.
const PAUSES: RangeInclusive<u64> = 10_000_000..=1_000_000_000;

/// When the core was offered, and what came of it.
#[derive(Debug, Default)]
struct Courtesy {
    /// Not before that.
    next: AtomicU64,
    pause: AtomicU64,
}

impl Courtesy {
    /// Offers the core to whoever waits for it, unless it was gone for long the last time.
    fn offer(&self, now: impl Fn() -> u64, offer: impl FnOnce()) {
        let begun = now();
        if begun < self.next.load(Relaxed) {
            return;
        }
        offer();
        let ended = now();
        if ended.saturating_sub(begun) < LONG {
            self.pause.store(0, Relaxed);
            return;
        }
        let pause = self.pause.load(Relaxed).saturating_mul(2).clamp(*PAUSES.start(), *PAUSES.end());
        self.pause.store(pause, Relaxed);
        self.next.store(ended.saturating_add(pause), Relaxed);
    }
}

/// Has the thread of this runtime offer its core before each sleep.
pub(super) fn teach(runtime: &mut Builder) {
    let courtesy = Courtesy::default();
    runtime.on_thread_park(move || courtesy.offer(|| clock::now().0, std::thread::yield_now));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// How often it is offered within this time, when each offer takes so long and each turn a millisecond.
    fn offers(courtesy: &Courtesy, clock: &Cell<u64>, within: u64, takes: u64) -> u32 {
        let (until, offers) = (clock.get() + within, Cell::new(0));
        while clock.get() < until {
            courtesy.offer(
                || clock.get(),
                || {
                    offers.set(offers.get() + 1);
                    clock.set(clock.get() + takes);
                },
            );
            clock.set(clock.get() + 1_000_000);
        }
        offers.get()
    }

    #[test]
    fn it_is_offered_always_while_it_comes_back_soon() {
        assert_eq!(offers(&Courtesy::default(), &Cell::new(5), 1_000_000_000, 0), 1000);
    }

    #[test]
    fn a_neighbour_that_computes_is_asked_ever_less_often() {
        let (courtesy, clock) = (Courtesy::default(), Cell::new(0));
        // At 0, 10, 30, 70, 150, 310, 630 milliseconds, about.
        assert_eq!(offers(&courtesy, &clock, 1_000_000_000, 4_000_000), 7);
        assert!(offers(&courtesy, &clock, 10_000_000_000, 4_000_000) <= 10);
        // Once it has gone, all is as before after the next offer.
        offers(&courtesy, &clock, 1_000_000_000, 0);
        assert_eq!(offers(&courtesy, &clock, 1_000_000_000, 0), 1000);
        // The next one that comes is asked as the first was.
        assert_eq!(offers(&courtesy, &clock, 1_000_000_000, 4_000_000), 7);
    }
}
