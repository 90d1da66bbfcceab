//! The monotonic clock. The wall clock is the log's business.

use crate::types::Mono;
use nix::time::{ClockId, clock_gettime};

/// The present, comparable between all processes of this machine.
#[must_use]
pub fn now() -> Mono {
    // CLOCK_MONOTONIC exists on every Linux and the call has no other way to fail; zero would only make things late.
    let Ok(stamp) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return Mono(0) };
    let seconds = u64::try_from(stamp.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(stamp.tv_nsec()).unwrap_or(0);
    Mono(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::now;

    #[test]
    fn time_goes_forward() {
        let first = now();
        let second = now();
        assert!(first.0 > 0);
        assert!(second >= first);
    }
}
