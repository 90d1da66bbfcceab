//! Who makes room when `worker_connections` is reached: connections that wait for their next request, those first that
//! have done so longest. Whoever has a request in work, or has not sent one yet, stays.

use crate::sys::clock;
use crate::types::Mono;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::state::{Moment, Wanted};
use std::collections::VecDeque;
use std::time::Duration;

/// So many are remembered: a look at all connections is worth so many that make room.
const REMEMBERED: usize = 32;

/// How long one that was asked may take to begin to close. It may have got a byte that is no request yet.
const ANSWER: Duration = Duration::from_secs(1);

/// The idle connections that were the oldest at the last look.
#[derive(Default)]
pub(super) struct Crowd {
    oldest: VecDeque<(Connection, Mono)>,
    /// The last that was asked to close, and when.
    asked: Option<(Connection, Mono)>,
}

impl Crowd {
    /// Whether one of those that are remembered has been idle all the time.
    pub(super) fn knows_one(&mut self) -> bool {
        while let Some((connection, since)) = self.oldest.front() {
            let state = connection.state();
            if state.moment() == Moment::Idle && state.since() == *since {
                return true;
            }
            self.oldest.pop_front();
        }
        false
    }

    /// Looks at all connections; false: none is idle.
    pub(super) fn look(&mut self, worker: &Worker) -> bool {
        let oldest = worker.registry.oldest_idle(REMEMBERED);
        self.oldest = oldest.into_iter().map(|connection| (connection.clone(), connection.state().since())).collect();
        self.knows_one()
    }

    /// Asks the oldest to close. It does, unless its next request is here. One place is free after one of them: while
    /// that one is closing, no other has to go.
    pub(super) fn make_room(&mut self, worker: &Worker) {
        if self.is_closing() {
            return;
        }
        if (self.knows_one() || self.look(worker))
            && let Some((connection, _)) = self.oldest.pop_front()
        {
            connection.state().want(Wanted::CloseIfIdle);
            self.asked = Some((connection, clock::now()));
        }
    }

    /// Whether the last that was asked is about to close.
    fn is_closing(&mut self) -> bool {
        let is_closing = self.asked.as_ref().is_some_and(|(connection, since)| match connection.state().moment() {
            Moment::Parting => true,
            Moment::Idle => clock::now().since(*since) < ANSWER,
            _ => false,
        });
        if !is_closing {
            self.asked = None;
        }
        is_closing
    }
}
