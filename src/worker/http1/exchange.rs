//! One request and its response: the application is asked, its body is fed, its answer is sent.

use super::encode::{self, Framing, Piece, Plan};
use super::head::Head;
use super::incoming;
use super::refusal::Refusal;
use super::source::{self, PROGRESS, Pumped, Source};
use super::task::Parts;
use super::wire::Wire;
use super::{date, rules};
use crate::sys::clock;
use crate::types::Mono;
use crate::worker::application::{Application, BoxError, chain};
use crate::worker::body::{Body, BodyError};
use crate::worker::request::{End, Flight, prepare};
use crate::worker::state::Moment;
use http::{Method, Request, Response, Version};
use http_body::Body as _;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

/// A request being answered.
pub(super) struct Exchange {
    method: Method,
    version: Version,
    /// None: the answer was sent, and what is left of the request is thrown away.
    flight: Option<Flight>,
    source: Source,
    /// The client awaits `100 Continue`.
    expects: bool,
    /// The connection ends with this exchange.
    close: bool,
    /// How the response's body is sent; none: its head is not known.
    framing: Option<Framing>,
    /// Bytes that the connection had sent before, or was about to.
    begin: u64,
    /// Bytes of the response's head.
    head: u64,
    /// Nothing of earlier responses waited to be sent then.
    alone: bool,
    /// The client takes trailers (RFC 9110, 10.1.4).
    trailers: bool,
    /// When it began, as long as that is now.
    stamp: Option<Mono>,
    /// Bytes up to which progress was noticed.
    mark: u64,
}

impl Exchange {
    /// How much of the response's body the client was sent, its framing included.
    fn body_sent(&self, wire: &Wire) -> u64 {
        wire.total.saturating_sub(self.begin + self.head)
    }
}

pin_project! {
    /// The application's part.
    #[project = StepProjection]
    pub(super) enum Step<F, B> {
        Idle,
        // It was not ready to be called.
        Waiting { request: Option<Request<Body>> },
        Calling { #[pin] future: F },
        Sending { #[pin] body: B },
    }
}

/// What comes after an exchange.
pub(super) enum After {
    /// The next one.
    Next,
    /// What waits is sent, and then the connection is closed.
    Close,
    /// The connection is closed at once.
    Abort,
}

/// What a look at the application came to.
enum Advance {
    /// It has done something: look again.
    On,
    /// It waits.
    Waits,
    /// Its answer is complete.
    Complete,
    Over(After),
}

impl<S: Application> Parts<'_, S> {
    /// Hands a request to the application.
    pub(super) fn begin(&mut self, head: Head) {
        let Some(wire) = self.wire.as_mut() else { return };
        let requests = &self.worker.orders.requests;
        let too_large = |length| requests.limit_request_body > 0 && length > requests.limit_request_body;
        if matches!(head.framing, rules::Framing::Length(length) if too_large(length)) {
            return self.refuse_request(Refusal::BODY_TOO_LARGE, &head.request);
        }
        if requests.limit_concurrency > 0 && self.worker.writer.in_flight() >= requests.limit_concurrency {
            return self.refuse_request(Refusal::OVERLOADED, &head.request);
        }
        let Ok(seen) = self.worker.trust.see(self.connection, head.request.headers()) else {
            return self.refuse_request(Refusal::CONTRADICTION, &head.request);
        };
        let (body, source) = match source::whole(head.framing, wire) {
            Some(bytes) => (Body::whole(bytes), Source::new(rules::Framing::Length(0), None, 0)),
            None => {
                let length = if let rules::Framing::Length(length) = head.framing { Some(length) } else { None };
                let (sender, incoming) = incoming::channel(length);
                (Body::http1(incoming), Source::new(head.framing, Some(sender), requests.limit_request_body))
            }
        };
        wire.rest();
        let (begin, alone) = (wire.total + wire.waiting(), wire.is_flushed());
        let now = clock::now();
        let mut request = head.request.map(|()| body);
        let flight = Flight::begin(self.worker, &request, &seen, now);
        self.connection.state().begins(now);
        *self.served += 1;
        *self.exchange = Some(Exchange {
            method: request.method().clone(),
            version: request.version(),
            flight: Some(flight),
            source,
            expects: head.expects_continue,
            close: !head.keep_alive,
            framing: None,
            begin,
            head: 0,
            alone,
            trailers: head.takes_trailers,
            stamp: Some(now),
            mark: 0,
        });
        prepare(&mut request, seen);
        self.step.set(Step::Waiting { request: Some(request) });
    }

    /// Refuses a request whose head is in order.
    fn refuse_request(&mut self, refusal: Refusal, request: &Request<()>) {
        let mut flight = Flight::begin(self.worker, request, self.connection, clock::now());
        flight.refused(refusal.status);
        flight.end(End::Answered, 0);
        self.answer_refusal(refusal);
    }

    /// Goes on as far as possible.
    pub(super) fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<After> {
        loop {
            match self.advance(cx) {
                Advance::On => continue,
                Advance::Over(after) => return Poll::Ready(after),
                Advance::Complete => return self.poll_complete(cx),
                Advance::Waits => {}
            }
            let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
                return Poll::Ready(After::Abort);
            };
            exchange.stamp = None;
            if exchange.expects && exchange.framing.is_none() && exchange.source.is_wanted(cx) {
                exchange.expects = false;
                // A client that did not wait for it does not need it.
                if wire.input.is_empty() {
                    wire.output().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
            }
            let was_flushed = wire.is_flushed();
            match wire.poll_flush(cx) {
                Poll::Ready(Ok(())) if was_flushed => {}
                // There is room again, for whatever waited for it.
                Poll::Ready(Ok(())) => {
                    self.connection.state().works();
                    continue;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(self.client_is_gone()),
                Poll::Pending => {
                    self.waits_for_reader();
                    // The application may still want its request's body meanwhile.
                }
            }
            match self.pump(cx) {
                Pumped::Progress => self.connection.state().works(),
                Pumped::Rests | Pumped::Waits => return Poll::Pending,
                Pumped::Refused(refusal) => {
                    if !self.give_up_exchange(refusal) {
                        return Poll::Ready(After::Abort);
                    }
                    return Poll::Ready(After::Close);
                }
                Pumped::Gone => return Poll::Ready(self.client_is_gone()),
            }
        }
    }

    /// Feeds the request's body, or watches for a client that leaves.
    fn pump(&mut self, cx: &mut Context<'_>) -> Pumped {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else { return Pumped::Gone };
        let pumped = exchange.source.pump(wire, cx);
        match pumped {
            // One buffer of the next request is enough: the client's end is noticed only while there is none.
            Pumped::Rests if wire.input.is_empty() => match wire.poll_fill(cx, 0) {
                Poll::Ready(Ok(count)) if count > 0 => Pumped::Rests,
                Poll::Ready(_) => Pumped::Gone,
                Poll::Pending => Pumped::Rests,
            },
            Pumped::Waits => {
                let taken = exchange.source.taken();
                self.waits_for_client(Moment::Body, taken);
                Pumped::Waits
            }
            other => other,
        }
    }

    /// The stamp moves with real progress only: a byte now and then is none.
    fn waits_for_client(&mut self, moment: Moment, total: u64) {
        let Some(exchange) = self.exchange.as_mut() else { return };
        let state = self.connection.state();
        if state.moment() != moment && exchange.mark == 0 || total >= exchange.mark + PROGRESS {
            exchange.mark = total.max(1);
            state.waits(moment, clock::now());
        } else if state.moment() != moment {
            // Between two looks the application had its turn; the client's time went on.
            state.waits(moment, state.since());
        }
    }

    pub(super) fn waits_for_reader(&mut self) {
        let Some(wire) = self.wire.as_ref() else { return };
        let total = wire.total;
        if self.exchange.is_some() {
            self.waits_for_client(Moment::Writing, total);
        } else if self.connection.state().moment() != Moment::Writing {
            self.connection.state().waits(Moment::Writing, clock::now());
        }
    }

    /// Asks the application for the next thing.
    fn advance(&mut self, cx: &mut Context<'_>) -> Advance {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Advance::Over(After::Abort);
        };
        let application = &mut *self.application;
        let mut step = self.step.as_mut();
        // What a panic leaves behind is dropped and never looked at again.
        match step.as_mut().project() {
            StepProjection::Idle => Advance::Complete,
            StepProjection::Waiting { request } => {
                let ready = catch_unwind(AssertUnwindSafe(|| application.poll_ready(cx)));
                match ready {
                    Ok(Poll::Pending) => Advance::Waits,
                    Ok(Poll::Ready(Ok(()))) => {
                        let Some(request) = request.take() else { return Advance::Over(After::Abort) };
                        match catch_unwind(AssertUnwindSafe(|| application.call(request))) {
                            Ok(future) => {
                                step.set(Step::Calling { future });
                                Advance::On
                            }
                            Err(_panic) => self.fail(None),
                        }
                    }
                    Ok(Poll::Ready(Err(error))) => self.fail(Some(error.into())),
                    Err(_panic) => self.fail(None),
                }
            }
            StepProjection::Calling { future } => match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                Ok(Poll::Pending) => Advance::Waits,
                Ok(Poll::Ready(Ok(response))) => self.respond(response),
                Ok(Poll::Ready(Err(error))) => self.fail(Some(error.into())),
                Err(_panic) => self.fail(None),
            },
            StepProjection::Sending { body } => {
                if !wire.has_room() {
                    return Advance::Waits;
                }
                let Some(framing) = exchange.framing.as_mut() else { return Advance::Over(After::Abort) };
                match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
                    Ok(Poll::Pending) => Advance::Waits,
                    Ok(Poll::Ready(None)) => {
                        let whole = framing.end(wire, None);
                        self.sent(whole)
                    }
                    Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                        Ok(data) => match framing.send(wire, data) {
                            Piece::Taken => Advance::On,
                            Piece::TooLong => {
                                self.complain("gives more than its Content-Length says; the rest is not sent");
                                self.sent(true)
                            }
                        },
                        Err(frame) => {
                            let whole = framing.end(wire, frame.trailers_ref().filter(|_| exchange.trailers));
                            self.sent(whole)
                        }
                    },
                    Ok(Poll::Ready(Some(Err(error)))) => self.fail(Some(error.into())),
                    Err(_panic) => self.fail(None),
                }
            }
        }
    }

    /// The head of the response is there.
    fn respond(&mut self, response: Response<S::Body>) -> Advance {
        if response.status().is_informational() {
            self.complain("has a status below 200, which is no answer");
            return self.fail(Some("no final status".into()));
        }
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Advance::Over(After::Abort);
        };
        let requests = &self.worker.orders.requests;
        let most = requests.keepalive_requests;
        let enough = self.worker.is_draining() || self.worker.no_keepalive || most > 0 && *self.served >= most;
        // What is left of the body is thrown away, unless there is too much of it, or the client holds it back.
        let in_the_way = !exchange.source.is_done() && (exchange.expects || !exchange.source.is_little());
        let date = requests.date_header.then(|| date::date(exchange.stamp.unwrap_or_else(clock::now)));
        let plan = Plan {
            version: exchange.version,
            method: &exchange.method,
            close: exchange.close || enough || in_the_way,
            server: requests.server_header,
            date: date.as_ref(),
        };
        let hint = response.body().size_hint();
        let output = wire.output();
        let before = output.len();
        let (framing, close) = encode::head(output, &response, &hint, &plan);
        exchange.head = (output.len() - before) as u64;
        if close && (!exchange.close || in_the_way || !wire.input.is_empty()) {
            // The client does not know yet, and may send on.
            self.connection.state().set_linger(true);
        }
        exchange.close = close;
        if let Some(flight) = exchange.flight.as_mut() {
            flight.answered(response.status(), response.headers());
        }
        exchange.framing = Some(framing);
        let (_, body) = response.into_parts();
        if body.is_end_stream() || framing == Framing::None {
            let whole = framing.end(wire, None);
            return self.sent(whole);
        }
        self.step.set(Step::Sending { body });
        Advance::On
    }

    /// The response is complete but for what waits to be sent; `whole`: it has the length that was announced.
    fn sent(&mut self, whole: bool) -> Advance {
        self.let_go();
        if !whole {
            self.complain("is shorter than its Content-Length says; the connection is closed");
            if let Some(exchange) = self.exchange.as_mut() {
                exchange.close = true;
            }
        }
        Advance::Complete
    }

    /// Drops what the application has of the request. It may panic then, which changes nothing.
    fn let_go(&mut self) {
        let mut step = self.step.as_mut();
        drop(catch_unwind(AssertUnwindSafe(|| step.set(Step::Idle))));
    }

    /// The response is complete: sends it, and clears the way for the next request.
    fn poll_complete(&mut self, cx: &mut Context<'_>) -> Poll<After> {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Poll::Ready(After::Abort);
        };
        // With the next request already here, its answer goes out with this one.
        let is_more = !exchange.close && exchange.source.is_done() && !wire.input.is_empty() && wire.has_room();
        if !is_more {
            match wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(self.client_is_gone()),
                Poll::Pending => {
                    self.waits_for_reader();
                    return Poll::Pending;
                }
            }
        }
        // With those that wait for the next answer.
        let sent = exchange.body_sent(wire) + wire.waiting();
        if let Some(flight) = exchange.flight.take() {
            let now = flight.end(End::Answered, sent);
            self.connection.state().waits(Moment::Idle, now);
        }
        if !exchange.close && !exchange.source.is_done() {
            match exchange.source.poll_discard(wire, cx) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => {
                    exchange.close = true;
                    self.connection.state().set_linger(true);
                }
                Poll::Pending => {
                    let taken = exchange.source.taken();
                    self.waits_for_client(Moment::Body, taken);
                    return Poll::Pending;
                }
            }
            self.connection.state().waits(Moment::Idle, clock::now());
        }
        let close = exchange.close;
        *self.exchange = None;
        Poll::Ready(if close { After::Close } else { After::Next })
    }

    /// The application has failed. Its client gets a 500 if nothing was sent yet, or else a response that visibly ends too early.
    fn fail(&mut self, error: Option<BoxError>) -> Advance {
        self.let_go();
        let Some(exchange) = self.exchange.as_mut() else { return Advance::Over(After::Abort) };
        let Some(flight) = exchange.flight.as_ref() else { return Advance::Over(After::Abort) };
        let request = flight.describe(self.connection);
        match (error, exchange.framing.is_some()) {
            (None, _) => crate::log::error!("The panic was in the answer to {request}"),
            (Some(error), false) => {
                crate::log::error!("The application failed to answer {request}: {}", chain(&*error))
            }
            (Some(error), true) => crate::log::error!("The response to {request} failed midway: {}", chain(&*error)),
        }
        if self.give_up_exchange(Refusal::FAILURE) { Advance::Over(After::Close) } else { Advance::Over(After::Abort) }
    }

    fn complain(&self, what: &str) {
        let flight = self.exchange.as_ref().and_then(|exchange| exchange.flight.as_ref());
        if let Some(flight) = flight {
            crate::log::error!("The response to {} {what}", flight.describe(self.connection));
        }
    }

    /// Ends the exchange with a refusal, if nothing of the response was sent; false: it was, and the connection is to be
    /// closed at once.
    pub(super) fn give_up_exchange(&mut self, refusal: Refusal) -> bool {
        self.let_go();
        let (Some(wire), Some(mut exchange)) = (self.wire.as_mut(), self.exchange.take()) else { return false };
        exchange.source.fail(BodyError::Refused(refusal.reason));
        let Some(mut flight) = exchange.flight.take() else {
            // It was only about the rest of a body that nobody wanted.
            *self.closing = true;
            self.connection.state().set_linger(true);
            return true;
        };
        let untouched = exchange.framing.is_none() || exchange.alone && wire.total == exchange.begin;
        if untouched {
            if exchange.framing.is_some() {
                wire.forget();
            }
            flight.refused(refusal.status);
            let end = if matches!(refusal, Refusal::BODY_TOO_SLOW | Refusal::NO_ANSWER_IN_TIME) {
                End::TimedOut
            } else {
                End::Answered
            };
            flight.end(end, 0);
            self.answer_refusal(refusal);
        } else {
            let end = if refusal == Refusal::FAILURE { End::Failed } else { End::TimedOut };
            if exchange.framing == Some(Framing::Close) {
                // Nothing else tells this client that something is missing.
                wire.io.reset_on_close();
            }
            flight.end(end, exchange.body_sent(wire));
        }
        untouched
    }

    fn client_is_gone(&mut self) -> After {
        self.abandon(End::ClientGone);
        After::Abort
    }

    /// The exchange is over, whatever state it is in.
    pub(super) fn abandon(&mut self, end: End) {
        self.let_go();
        let Some(exchange) = self.exchange.take() else { return };
        let sent = self.wire.as_ref().map_or(0, |wire| exchange.body_sent(wire));
        if let Some(flight) = exchange.flight {
            flight.end(end, sent);
        }
    }
}
