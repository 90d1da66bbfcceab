//! Closing connections that wait too long, by one sweep over all of them now and then: no timer per connection, none
//! per request, and none at all while there are no connections.
//!
//! An idle connection is closed `keepalive` seconds after its last response, late by one sweep at most. A connection
//! that has not sent a complete request head, be it the first or a later one, gets [`HEAD_LIMIT`], however busily it
//! sends. While the worker drains, it gets `keepalive` (a second at least: its request may be on the way).

use super::connection::{Moment, Wanted};
use super::context::Worker;
use crate::sys::clock;
use crate::types::Mono;
use std::collections::HashMap;
use std::time::Duration;

/// How long a request's head may take.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// Sweeps as long as the worker lives.
pub(super) async fn sweep_for_ever(worker: &'static Worker) {
    let limits = Limits::new(worker.keepalive());
    let mut receiving = Receiving::new();
    loop {
        if worker.registry.is_empty() {
            receiving.clear();
            worker.registry.filled.notified().await;
        }
        tokio::time::sleep(limits.interval()).await;
        sweep(worker, &limits, &mut receiving, clock::now());
    }
}

/// When a connection was first seen to receive a head, and after which request.
type Receiving = HashMap<u64, (Mono, Mono)>;

fn sweep(worker: &Worker, limits: &Limits, receiving: &mut Receiving, now: Mono) {
    let draining = worker.is_draining();
    let mut still = Receiving::new();
    worker.registry.tell(|ticket, connection| {
        let state = connection.state();
        let moment = state.moment();
        let (since, close) = if moment == Moment::Receiving {
            // Noticed now, or at an earlier sweep: exact enough for this limit.
            let here = (now, state.begun());
            let seen = *receiving.get(&ticket).filter(|seen| seen.1 == here.1).unwrap_or(&here);
            still.insert(ticket, seen);
            (seen.0, Wanted::CloseIfReceiving)
        } else {
            (state.since(), Wanted::CloseIfIdle)
        };
        let too_long = limits.of(moment, draining).is_some_and(|limit| now.since(since) >= limit);
        if too_long { close } else { Wanted::Nothing }
    });
    *receiving = still;
}

/// How long a connection may be what it is.
struct Limits {
    keepalive: Duration,
}

impl Limits {
    fn new(keepalive: Duration) -> Self {
        Self { keepalive }
    }

    fn interval(&self) -> Duration {
        (self.keepalive / 8).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    fn of(&self, moment: Moment, draining: bool) -> Option<Duration> {
        match moment {
            // A farewell has its own limits, and what was upgraded is not ours.
            Moment::Busy | Moment::Parting | Moment::Upgraded => None,
            Moment::Idle => Some(self.keepalive),
            Moment::Fresh | Moment::Receiving if draining => Some(self.keepalive.max(Duration::from_secs(1))),
            Moment::Receiving => Some(HEAD_LIMIT),
            Moment::Fresh => Some(self.keepalive.max(HEAD_LIMIT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_has_its_limit() {
        let limits = Limits::new(Duration::from_secs(2));
        assert_eq!(limits.interval(), Duration::from_millis(250));
        for draining in [false, true] {
            assert_eq!(limits.of(Moment::Busy, draining), None);
            assert_eq!(limits.of(Moment::Idle, draining), Some(Duration::from_secs(2)));
        }
        for moment in [Moment::Fresh, Moment::Receiving] {
            assert_eq!(limits.of(moment, false), Some(HEAD_LIMIT));
            assert_eq!(limits.of(moment, true), Some(Duration::from_secs(2)));
        }
        let long = Limits::new(Duration::from_secs(75));
        assert_eq!(long.interval(), Duration::from_secs(1));
        assert_eq!(long.of(Moment::Fresh, false), Some(Duration::from_secs(75)));
        assert_eq!(long.of(Moment::Receiving, false), Some(HEAD_LIMIT));
        // `keepalive = 0`: no keep-alive, and still time for the first request.
        let none = Limits::new(Duration::ZERO);
        assert_eq!(none.interval(), Duration::from_millis(50));
        assert_eq!(none.of(Moment::Fresh, true), Some(Duration::from_secs(1)));
    }
}
