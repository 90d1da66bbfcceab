//! Who makes room when `worker_connections` is reached. Whoever has a request in work stays.

use crate::sys::clock;
use crate::types::Mono;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::state::{ConnectionState, Moment, Wanted};
use std::collections::VecDeque;
use std::time::Duration;

/// So many are remembered: a look at all connections is worth so many that make room.
const REMEMBERED: usize = 32;

/// How long one that was asked may take to close. It may have got a byte that is no request yet.
const ANSWER: Duration = Duration::from_secs(1);

/// Those that would make room at the last look, the first to go in front, and what each was doing since when.
#[derive(Default)]
pub(super) struct Crowd {
    first: VecDeque<(Connection, (Moment, Mono))>,
    /// The last that was asked to close, and when.
    asked: Option<(Connection, Mono)>,
}

/// Who goes before whom: the less, the sooner. None: it stays.
///
/// First those that are told farewell and do not go; by then they have what we sent. Then those that wait for their next
/// request, longest first: their clients know that this can happen. Then those that have a place and do not use it.
fn rank(state: &ConnectionState, now: Mono) -> Option<(u8, u64)> {
    let (group, patience) = match state.moment() {
        Moment::Parting => (0, Duration::from_secs(1)),
        Moment::Idle => (1, Duration::ZERO),
        Moment::Fresh | Moment::Greeting => (2, Duration::from_secs(1)),
        Moment::Receiving => (3, Duration::from_secs(5)),
        Moment::Busy | Moment::Body | Moment::Writing | Moment::Shared | Moment::Upgraded => return None,
    };
    (now.since(state.since()) >= patience).then_some((group, state.since().0))
}

fn what(state: &ConnectionState) -> (Moment, Mono) {
    (state.moment(), state.since())
}

impl Crowd {
    /// Whether one of those that are remembered has been doing the same all the time.
    pub(super) fn knows_one(&mut self) -> bool {
        while let Some((connection, before)) = self.first.front() {
            if what(connection.state()) == *before {
                return true;
            }
            self.first.pop_front();
        }
        false
    }

    /// Looks at all connections; false: all of them stay.
    pub(super) fn look(&mut self, worker: &Worker) -> bool {
        let now = clock::now();
        let first = worker.registry.least(REMEMBERED, |state| rank(state, now));
        self.first = first.into_iter().map(|connection| (connection.clone(), what(connection.state()))).collect();
        self.knows_one()
    }

    /// Asks the first to close. It does, unless it waits and its next request is here. One place is free after one of
    /// them: while that one is closing, no other has to go.
    pub(super) fn make_room(&mut self, worker: &Worker) {
        if self.is_closing() {
            return;
        }
        if (self.knows_one() || self.look(worker))
            && let Some((connection, (moment, _))) = self.first.pop_front()
        {
            let may_have_more = matches!(moment, Moment::Idle | Moment::Fresh);
            connection.state().want(if may_have_more { Wanted::CloseIfIdle } else { Wanted::Cut });
            self.asked = Some((connection, clock::now()));
        }
    }

    /// Whether the last that was asked is about to close.
    fn is_closing(&mut self) -> bool {
        let is_closing = self.asked.as_ref().is_some_and(|(connection, since)| {
            let waits = rank(connection.state(), Mono(u64::MAX)).is_some();
            waits && clock::now().since(*since) < ANSWER
        });
        if !is_closing {
            self.asked = None;
        }
        is_closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_something_to_lose_stays_and_the_others_have_an_order() {
        let born = Mono(1);
        let at = |moment, seconds| {
            let state = ConnectionState::new(-1, born);
            state.waits(moment, born);
            rank(&state, born.after(Duration::from_secs(seconds)))
        };
        for moment in [Moment::Busy, Moment::Body, Moment::Writing, Moment::Shared, Moment::Upgraded] {
            assert_eq!(at(moment, 1000), None, "{moment:?}");
        }
        let order = [Moment::Parting, Moment::Idle, Moment::Fresh, Moment::Receiving];
        assert!(order.map(|moment| at(moment, 5)).is_sorted());
        assert!(order.iter().all(|moment| at(*moment, 5).is_some()));
        // What has only just begun is left alone; to be idle is enough.
        assert_eq!(order.map(|moment| at(moment, 0).is_some()), [false, true, false, false]);
        assert_eq!((at(Moment::Receiving, 4), at(Moment::Greeting, 1)), (None, at(Moment::Fresh, 1)));
    }
}
