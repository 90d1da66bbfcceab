//! One request in flight, from its complete head to the last byte of its answer, in the scoreboard.

use super::line::{self, Line};
use crate::log::access;
use crate::scoreboard::RequestSlot;
use crate::sys::clock;
use crate::types::Mono;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worker) enum End {
    /// The whole answer was sent.
    Answered,
    /// The client went away before it had the whole answer.
    ClientGone,
    /// A limit of time.
    TimedOut,
    /// The application failed when part of the answer was on its way.
    Failed,
    /// The worker had no more time for it.
    Cut,
}

impl End {
    /// How the access log calls it.
    pub(super) fn for_log(self) -> access::End {
        match self {
            Self::Answered => access::End::Answered,
            Self::ClientGone => access::End::ClientGone,
            Self::TimedOut => access::End::TimedOut,
            Self::Failed | Self::Cut => access::End::Cut,
        }
    }
}

/// In flight until it is [`Self::end`]ed.
#[must_use = "a flight that is not ended stays in the table of requests"]
pub(in crate::worker) struct Flight {
    worker: &'static Worker,
    slot: RequestSlot,
    begun: Mono,
    status: u16,
    /// None: there is no access log.
    line: Option<Box<Line>>,
    ended: bool,
    id: Option<HeaderValue>,
}

impl Flight {
    /// `seen`: the connection as it is for this request.
    pub(in crate::worker) fn begin<B>(
        worker: &'static Worker,
        request: &Request<B>,
        seen: &Connection,
        now: Mono,
    ) -> Self {
        let target = line::target(request.uri());
        let slot = worker.writer.begin(request.method().as_str(), target.as_bytes(), now);
        let line = worker.access.get().map(|log| Box::new(Line::of(log, request, seen)));
        Self { worker, slot, begun: now, status: 0, line, ended: false, id: None }
    }

    /// Gives the request its id, if requests have one.
    pub(in crate::worker) fn identify(&mut self, headers: &mut HeaderMap, connection: &Connection) {
        if let Some(field) = &self.worker.request_id {
            let id = super::id::identify(headers, field, self.worker.trust.believes(connection));
            if let Some(line) = self.line.as_mut() {
                line.named(&id);
            }
            self.id = Some(id);
        }
    }

    /// The field with the request's id, if it has one.
    pub(in crate::worker) fn id(&self) -> Option<(&'static HeaderName, &HeaderValue)> {
        self.worker.request_id.as_ref().zip(self.id.as_ref())
    }

    /// Puts the request's id into its response.
    pub(in crate::worker) fn sign(&self, headers: &mut HeaderMap) {
        if let Some((field, id)) = self.id() {
            headers.insert(field, id.clone());
        }
    }

    /// The head of the response is known.
    pub(in crate::worker) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = status.as_u16();
        if let (Some(line), Some(log)) = (self.line.as_mut(), self.worker.access.get()) {
            line.answered(log, headers);
        }
    }

    /// The answer is one of our own.
    pub(in crate::worker) fn refused(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    /// It is over, after `sent` bytes of body. Returns when.
    pub(in crate::worker) fn end(mut self, end: End, sent: u64) -> Mono {
        let now = clock::now();
        self.ended = true;
        if let (Some(line), Some(log)) = (&self.line, self.worker.access.get()) {
            line.write(log, self.log_status(end), end, sent, now.since(self.begun));
        }
        let status = if end == End::Answered { self.status } else { 0 };
        let total = self.worker.writer.finish(self.slot, status, now.since(self.begun));
        let most = self.worker.orders.max_requests;
        if most > 0 && total >= most {
            self.worker.recycle(true, || format!("it has answered {total} requests (max_requests)"));
        }
        now
    }

    /// The status that was sent, or the one that says what happened.
    fn log_status(&self, end: End) -> u16 {
        match (self.status, end) {
            (0, End::ClientGone) => 499,
            (0, End::TimedOut) => 504,
            (0, End::Cut) => 503,
            (0, End::Answered | End::Failed) => 500,
            (status, _) => status,
        }
    }

    /// Method and target for a log line, from the scoreboard: no request keeps a copy just in case.
    pub(in crate::worker) fn describe(&self, connection: &Connection) -> String {
        match self.worker.writer.look_up(self.slot) {
            Some(request) => format!("{} {} from {}", request.method, request.path, connection.peer()),
            None => format!("a request from {}", connection.peer()),
        }
    }
}

impl Drop for Flight {
    /// A task that panics ends its request too, or else it would count for ever.
    fn drop(&mut self) {
        if !self.ended {
            self.worker.writer.finish(self.slot, 0, clock::now().since(self.begun));
        }
    }
}
