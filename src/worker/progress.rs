//! How long a client keeps us waiting, in one direction: without real progress, and only while it is really the client
//! that we wait for.

use crate::sys::clock;
use crate::types::Mono;
use crate::worker::state::{ConnectionState, Moment};
use std::time::Duration;

/// Less than so many bytes in the time of a limit is no progress: a byte now and then does not keep a connection.
const LEAST: u64 = 1 << 10;

#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes up to which progress was noticed; none: there was no wait yet.
    mark: Option<u64>,
    /// Time that was waited since then, but for the wait that lasts.
    waited: Duration,
    /// Since when we wait: put back by what was waited before.
    since: Option<Mono>,
}

impl Progress {
    /// The client has to go on, after `total` bytes.
    pub(super) fn waits(&mut self, total: u64) {
        if self.mark.is_none_or(|mark| total >= mark + LEAST) {
            *self = Self { mark: Some(total), waited: Duration::ZERO, since: Some(clock::now()) };
        } else if self.since.is_none() {
            self.since = Some(before(clock::now(), self.waited));
        }
    }

    /// It is not the client that is waited for: its time stands still.
    pub(super) fn rests(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited = clock::now().since(since);
        }
    }

    /// Since when the client is waited for, if it is.
    pub(super) fn since(&self) -> Option<Mono> {
        self.since
    }
}

/// Shows the sweep what is waited for, and since when: the client, in one direction or the other, or else the
/// application.
pub(super) fn show(state: &ConnectionState, writing: Option<Mono>, reading: Option<Mono>) {
    match (writing, reading) {
        (Some(since), None) => state.waits(Moment::Writing, since),
        (Some(since), Some(reading)) if since.0 <= reading.0 => state.waits(Moment::Writing, since),
        (_, Some(since)) => state.waits(Moment::Body, since),
        (None, None) => state.works(),
    }
}

fn before(now: Mono, span: Duration) -> Mono {
    Mono(now.0.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns the clock on by so much, for this progress.
    fn later(progress: &mut Progress, seconds: u64) {
        progress.since = progress.since.map(|since| before(since, Duration::from_secs(seconds)));
    }

    fn seconds(progress: &Progress) -> Option<u64> {
        progress.since().map(|since| clock::now().since(since).as_secs())
    }

    #[test]
    fn only_a_kilobyte_is_progress() {
        let mut progress = Progress::default();
        assert_eq!(seconds(&progress), None);
        progress.waits(5000);
        later(&mut progress, 3);
        progress.waits(5000 + LEAST - 1);
        assert_eq!(seconds(&progress), Some(3));
        progress.waits(5000 + LEAST);
        assert_eq!(seconds(&progress), Some(0));
    }

    #[test]
    fn time_in_which_nobody_waits_does_not_count_and_other_time_adds_up() {
        let mut progress = Progress::default();
        progress.waits(0);
        later(&mut progress, 3);
        progress.rests();
        assert_eq!(seconds(&progress), None);
        // However long it rests.
        progress.rests();
        progress.waits(1);
        assert_eq!(seconds(&progress), Some(3));
        later(&mut progress, 4);
        progress.rests();
        progress.waits(2);
        assert_eq!(seconds(&progress), Some(7));
    }
}
