//! The monotonic clock, and the wall clock for those who need whole seconds at next to no cost.

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

/// Seconds since 1970, at most a tick of the kernel (4 ms as a rule) behind. A few nanoseconds: no device is asked.
#[must_use]
pub fn wall_seconds() -> i64 {
    // As above: it exists, and 1970 in a log line is better than no line.
    clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map_or(0, |stamp| stamp.tv_sec())
}

#[cfg(test)]
mod tests {
    use super::{now, wall_seconds};

    #[test]
    fn time_goes_forward() {
        let first = now();
        let second = now();
        assert!(first.0 > 0);
        assert!(second >= first);
    }

    #[test]
    fn the_wall_clock_is_the_systems() {
        let fine = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        assert!((fine - wall_seconds()).abs() <= 1);
    }
}
