//! Waiting for a condition with a deadline. Nothing in these tests sleeps for luck.

use std::time::{Duration, Instant};

/// What should happen at once may take this long on a busy machine before a test gives up.
pub const SOON: Duration = Duration::from_secs(20);

/// Shorthand.
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Shorthand.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Looks again and again until `look` finds something, and returns that. Panics with `what` after `limit`.
#[track_caller]
pub fn wait_until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(ms(2));
    }
}

/// Watches for `span` that `still` holds the whole time: for what must *not* happen.
#[track_caller]
pub fn stays_so(what: &str, span: Duration, mut still: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < span {
        assert!(still(), "no longer so after {:?}: {what}", start.elapsed());
        std::thread::sleep(ms(5));
    }
}
