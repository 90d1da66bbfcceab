//! How an exchange begins: the request is taken or refused, and handed to the application.

use super::demands::Demands;
use super::exchange::{Advance, Exchange, Step};
use super::refusal::Refusal;
use super::source::{self, Source};
use super::task::Parts;
use super::{incoming, rules};
use crate::sys::clock;
use crate::worker::application::Application;
use crate::worker::body::Body;
use crate::worker::connection::Connection;
use crate::worker::progress::Progress;
use crate::worker::request::{End, Flight, prepare};
use http::{Method, Request};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

impl<S: Application> Parts<'_, S> {
    /// Hands a request to the application.
    pub(super) fn begin(&mut self, demands: Demands, mut request: Request<Body>, cx: &mut Context<'_>) {
        let Some(wire) = self.wire.as_mut() else { return };
        let requests = &self.worker.orders.requests;
        // First, so that whatever becomes of the request is told of its client and not of a proxy.
        let Ok(seen) = self.worker.trust.see(self.connection, request.headers()) else {
            let unseen = self.connection.clone();
            return self.refuse_request(Refusal::CONTRADICTION, request, &unseen);
        };
        let too_large = |length| requests.limit_request_body > 0 && length > requests.limit_request_body;
        if matches!(demands.framing, rules::Framing::Length(length) if too_large(length)) {
            return self.refuse_request(Refusal::BODY_TOO_LARGE, request, &seen);
        }
        if requests.limit_concurrency > 0 && self.worker.writer.in_flight() >= requests.limit_concurrency {
            return self.refuse_request(Refusal::OVERLOADED, request, &seen);
        }
        let (body, source) = match source::whole(demands.framing, wire) {
            Some(bytes) => (Body::whole(bytes), Source::new(rules::Framing::Length(0), None, 0)),
            None => {
                let length = if let rules::Framing::Length(length) = demands.framing { Some(length) } else { None };
                let (sender, incoming) = incoming::channel(length);
                (Body::http1(incoming), Source::new(demands.framing, Some(sender), requests.limit_request_body))
            }
        };
        let begin = wire.total + wire.waiting() as u64;
        let now = clock::now();
        *request.body_mut() = body;
        let mut flight = Flight::begin(self.worker, &request, &seen, now);
        flight.identify(request.headers_mut(), self.connection);
        self.connection.state().begins(now);
        *self.served += 1;
        *self.exchange = Some(Exchange {
            method: request.method().clone(),
            version: request.version(),
            flight: Some(flight),
            source,
            reading: Progress::default(),
            expects: demands.expects_continue,
            close: !demands.keep_alive,
            framing: None,
            begin,
            head: 0,
            trailers: demands.takes_trailers,
            stamp: Some(now),
            half: None,
        });
        prepare(&mut request, seen, &self.worker.room_for_facts);
        self.ask(request, cx);
    }

    /// Gives the application the request, if it is ready for one.
    pub(super) fn ask(&mut self, request: Request<Body>, cx: &mut Context<'_>) -> Advance {
        let application = &mut *self.application;
        // What a panic leaves behind is dropped and never looked at again.
        match catch_unwind(AssertUnwindSafe(|| application.poll_ready(cx))) {
            Ok(Poll::Ready(Ok(()))) => match catch_unwind(AssertUnwindSafe(|| application.call(request))) {
                Ok(future) => {
                    self.step.set(Step::Calling { future });
                    Advance::On
                }
                Err(_panic) => self.fail(None),
            },
            Ok(Poll::Pending) => {
                self.step.set(Step::Waiting { request: Some(request) });
                Advance::Waits
            }
            Ok(Poll::Ready(Err(error))) => self.fail(Some(error.into())),
            Err(_panic) => self.fail(None),
        }
    }

    /// Refuses a request whose head is in order.
    fn refuse_request(&mut self, refusal: Refusal, mut request: Request<Body>, seen: &Connection) {
        let mut flight = Flight::begin(self.worker, &request, seen, clock::now());
        flight.identify(request.headers_mut(), self.connection);
        flight.refused(refusal.status);
        let is_head = request.method() == Method::HEAD;
        let sent = self.refuse(refusal, is_head, flight.id());
        flight.end(End::Answered, sent);
    }
}
