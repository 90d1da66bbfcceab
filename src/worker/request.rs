//! One request in flight, from its complete head to the last byte of its answer, in the scoreboard.
//!
//! While the application works on it, it is a [`Flight`]. hyper then has the answer, and what is still to be sent
//! is noted in the connection's state: `io` knows when hyper's buffer is empty, and whether it never will be.

use super::connection::Connection;
use super::context::Worker;
use crate::scoreboard::RequestSlot;
use crate::sys::clock;
use http::{Method, StatusCode, Uri};

/// In the application's hands until it is dropped: with the last byte of the body, or with whatever cut it short.
pub(super) struct Flight {
    worker: &'static Worker,
    connection: Connection,
    slot: RequestSlot,
    status: u16,
}

impl Flight {
    pub(super) fn begin(
        worker: &'static Worker,
        connection: Connection,
        method: &Method,
        uri: &Uri,
        has_body: bool,
    ) -> Self {
        // The answer before it may wait in front of it still (a client that sends without waiting). It is over for us.
        settle(worker, &connection, true);
        let begun = clock::now();
        let target = uri.path_and_query().map_or_else(|| uri.path(), http::uri::PathAndQuery::as_str);
        let slot = worker.writer.begin(method.as_str(), target.as_bytes(), begun);
        connection.state().busy(has_body, begun);
        Self { worker, connection, slot, status: 0 }
    }

    pub(super) fn worker(&self) -> &'static Worker {
        self.worker
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The head of the response is known.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    /// There will be no whole answer.
    pub(super) fn failed(&mut self) {
        self.status = 0;
    }

    /// Method and target for a log line, from the scoreboard: no request keeps a copy just in case.
    pub(super) fn describe(&self) -> String {
        match self.worker.writer.look_up(self.slot) {
            Some(request) => format!("{} {} from {}", request.method, request.path, self.connection.peer()),
            None => format!("a request from {}", self.connection.peer()),
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.status == 0 || self.connection.state().is_closed() {
            over(self.worker, &self.connection, self.slot, 0);
        } else {
            self.connection.state().hand_over(self.slot, self.status);
        }
    }
}

/// Ends what hyper had to send: `sent` says whether it could.
pub(super) fn settle(worker: &'static Worker, connection: &Connection, sent: bool) {
    if let Some((slot, status)) = connection.state().take_unsent() {
        over(worker, connection, slot, if sent { status } else { 0 });
    }
}

fn over(worker: &'static Worker, connection: &Connection, slot: RequestSlot, status: u16) {
    let state = connection.state();
    let now = clock::now();
    let total = worker.writer.finish(slot, status, now.since(state.begun()));
    state.idle(now);
    let most = worker.orders.max_requests;
    if most > 0 && total >= most {
        worker.recycle(|| format!("it has answered {total} requests (max_requests)"));
    }
}
