//! One request in flight, from its complete head to the end of its response body, in the scoreboard.

use super::connection::Connection;
use super::context::Worker;
use crate::scoreboard::RequestSlot;
use crate::sys::clock;
use crate::types::Mono;
use http::{Method, StatusCode, Uri};

/// In flight until it is dropped: with the last byte of the body handed over, or with whatever cut it short.
pub(super) struct Flight {
    worker: &'static Worker,
    connection: Connection,
    slot: RequestSlot,
    begun: Mono,
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
        let begun = clock::now();
        let target = uri.path_and_query().map_or_else(|| uri.path(), http::uri::PathAndQuery::as_str);
        let slot = worker.writer.begin(method.as_str(), target.as_bytes(), begun);
        connection.state().busy(has_body);
        Self { worker, connection, slot, begun, status: 0 }
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
        let now = clock::now();
        let total = self.worker.writer.finish(self.slot, self.status, now.since(self.begun));
        self.connection.state().idle(now);
        let most = self.worker.orders.max_requests;
        if most > 0 && total >= most {
            self.worker.recycle(|| format!("it has answered {total} requests (max_requests)"));
        }
    }
}
