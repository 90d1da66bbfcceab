//! Ending what takes too long, by one sweep over all connections now and then: no timer per connection, none per
//! request, and none at all while there are no connections.
//!
//! The sweep only wakes the connections that seem late; each judges for itself, by the same rules, and knows best how to
//! end. A limit is overdrawn by one sweep at most.

use super::context::Worker;
use super::state::{ConnectionState, Moment, Wanted};
use crate::abi::Orders;
use crate::sys::clock;
use crate::types::Mono;
use std::time::Duration;

/// Sweeps as long as the worker lives.
pub(super) async fn sweep_for_ever(worker: &'static Worker) {
    loop {
        if worker.registry.is_empty() {
            worker.registry.filled.notified().await;
        }
        tokio::time::sleep(worker.limits.interval()).await;
        let (now, draining) = (clock::now(), worker.is_draining());
        worker.registry.tell(|connection| {
            // Only the connection itself knows how its requests are.
            let is_shared = connection.state().moment() == Moment::Shared;
            if is_shared || worker.limits.judge(connection.state(), now, draining).is_some() {
                Wanted::Look
            } else {
                Wanted::Nothing
            }
        });
    }
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// Nothing came at all, or nothing after a response: the connection is closed without a word.
    Idle,
    /// A proxy's header or a TLS handshake.
    Greeting,
    /// A request's head.
    Head,
    /// A request's body.
    Body,
    /// The client does not take its response.
    Reader,
    /// The application (`request_timeout`).
    Answer,
}

/// How long a connection may wait for what. Zero: for ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    keepalive: Duration,
    greeting: Duration,
    head: Duration,
    body: Duration,
    write: Duration,
    request: Duration,
}

impl Limits {
    pub(super) fn new(orders: &Orders) -> Self {
        use super::context::seconds;
        let requests = &orders.requests;
        Self {
            keepalive: seconds(orders.keepalive),
            greeting: seconds(requests.handshake_timeout),
            head: seconds(requests.header_timeout),
            body: seconds(requests.body_timeout),
            write: seconds(requests.write_timeout),
            request: seconds(requests.request_timeout),
        }
    }

    /// How often is swept: a limit is overdrawn by an eighth, within reason.
    fn interval(&self) -> Duration {
        let all = [self.keepalive, self.greeting, self.head, self.body, self.write, self.request];
        let least = all.into_iter().filter(|limit| !limit.is_zero()).min().unwrap_or(Duration::MAX);
        (least / 8).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    /// Whether a client that has taken nothing since then takes too long.
    pub(super) fn is_late_reader(&self, since: Mono, now: Mono) -> bool {
        !self.write.is_zero() && now.since(since) >= self.write
    }

    /// What a connection has waited for too long, if anything.
    pub(super) fn judge(&self, state: &ConnectionState, now: Mono, draining: bool) -> Option<Late> {
        let moment = state.moment();
        let waited = now.since(state.since());
        let over = |limit: Duration| !limit.is_zero() && waited >= limit;
        // Whoever has not sent a request yet may have it on the way; there is not much time left for that.
        let soon = self.keepalive.max(Duration::from_secs(1));
        let late = match moment {
            Moment::Parting | Moment::Shared | Moment::Upgraded => return None,
            // `keepalive = 0` means that connections are closed, not that they stay.
            Moment::Idle => (waited >= self.keepalive).then_some(Late::Idle),
            Moment::Fresh if draining => over(soon).then_some(Late::Idle),
            Moment::Fresh => over(self.head).then_some(Late::Idle),
            Moment::Greeting if draining => over(soon).then_some(Late::Greeting),
            Moment::Greeting => over(self.greeting).then_some(Late::Greeting),
            Moment::Receiving if draining => over(soon).then_some(Late::Head),
            Moment::Receiving => over(self.head).then_some(Late::Head),
            Moment::Body => over(self.body).then_some(Late::Body),
            Moment::Writing => over(self.write).then_some(Late::Reader),
            Moment::Busy => None,
        };
        let is_answering = matches!(moment, Moment::Busy | Moment::Body | Moment::Writing);
        let too_old = is_answering && !self.request.is_zero() && now.since(state.begun()) >= self.request;
        late.or(too_old.then_some(Late::Answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(keepalive: f64, request: f64) -> Limits {
        let mut orders = Orders { keepalive, ..Orders::default() };
        orders.requests.request_timeout = request;
        Limits::new(&orders)
    }

    #[test]
    fn each_moment_has_its_limit() {
        let limits = limits(2.0, 0.0);
        let cases = [
            (Moment::Idle, [2, 2], Late::Idle),
            (Moment::Fresh, [30, 2], Late::Idle),
            (Moment::Greeting, [10, 2], Late::Greeting),
            (Moment::Receiving, [30, 2], Late::Head),
            (Moment::Body, [30, 30], Late::Body),
            (Moment::Writing, [30, 30], Late::Reader),
        ];
        for (moment, allowed, late) in cases {
            for (draining, seconds) in [false, true].into_iter().zip(allowed) {
                let state = ConnectionState::new(-1, Mono(1));
                state.waits(moment, Mono(1));
                let at = Mono(1).after(Duration::from_secs(seconds));
                assert_eq!(limits.judge(&state, Mono(at.0 - 1), draining), None, "{moment:?}");
                assert_eq!(limits.judge(&state, at, draining), Some(late), "{moment:?}");
            }
        }
        for moment in [Moment::Busy, Moment::Parting, Moment::Shared, Moment::Upgraded] {
            let state = ConnectionState::new(-1, Mono(1));
            state.waits(moment, Mono(1));
            assert_eq!(limits.judge(&state, Mono(u64::MAX), true), None);
        }
    }

    #[test]
    fn a_request_may_have_a_limit_of_its_own() {
        let state = ConnectionState::new(-1, Mono(1));
        state.begins(Mono(1));
        state.waits(Moment::Body, Mono(4_000_000_001));
        let at = Mono(5_000_000_001);
        assert_eq!(limits(2.0, 0.0).judge(&state, at, false), None);
        assert_eq!(limits(2.0, 5.0).judge(&state, at, false), Some(Late::Answer));
    }

    #[test]
    fn sweeps_follow_the_shortest_limit() {
        assert_eq!(limits(2.0, 0.0).interval(), Duration::from_millis(250));
        assert_eq!(limits(75.0, 0.0).interval(), Duration::from_secs(1));
        assert_eq!(limits(0.0, 0.1).interval(), Duration::from_millis(50));
    }
}
