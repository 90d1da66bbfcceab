//! One request and its response: the application is asked, its body is fed, its answer is sent.

use super::demands::Demands;
use super::encode::{self, Framing, Piece, Plan};
use super::incoming;
use super::refusal::Refusal;
use super::source::{self, Pumped, Source};
use super::task::Parts;
use super::wire::Wire;
use super::{date, rules};
use crate::sys::clock;
use crate::types::Mono;
use crate::worker::application::Application;
use crate::worker::body::Body;
use crate::worker::connection::Connection;
use crate::worker::progress::{self, Progress};
use crate::worker::request::{End, Flight, prepare};
use crate::worker::sendfile::SendFile;
use http::{Method, Request, Response, Version};
use http_body::Body as _;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

/// An interim answer (RFC 9110, 15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request being answered.
pub(super) struct Exchange {
    pub(super) method: Method,
    version: Version,
    /// None: the answer was sent, and what is left of the request is thrown away.
    pub(super) flight: Option<Flight>,
    pub(super) source: Source,
    /// How the request's body makes progress.
    pub(super) reading: Progress,
    /// The client awaits `100 Continue`.
    expects: bool,
    /// The connection ends with this exchange.
    pub(super) close: bool,
    /// How the response's body is sent; none: its head is not known.
    pub(super) framing: Option<Framing>,
    /// Bytes that the connection had sent before, or was about to send.
    pub(super) begin: u64,
    /// Bytes of the response's head.
    head: u64,
    /// The client takes trailers (RFC 9110, 10.1.4).
    trailers: bool,
    /// When it began, as long as that is now.
    stamp: Option<Mono>,
}

impl Exchange {
    /// How much of the response's body the client was sent, its framing included.
    pub(super) fn body_sent(&self, wire: &Wire) -> u64 {
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
pub(super) enum Advance {
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
        });
        prepare(&mut request, seen, &self.worker.room_for_facts);
        self.ask(request, cx);
    }

    /// Gives the application the request, if it is ready for one.
    fn ask(&mut self, request: Request<Body>, cx: &mut Context<'_>) -> Advance {
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

    /// Goes on as far as possible.
    pub(super) fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<After> {
        loop {
            self.send_hints();
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
            wire.rest();
            if exchange.expects && exchange.framing.is_none() && exchange.source.is_wanted(cx) {
                exchange.expects = false;
                // A client that did not wait for it does not need it.
                if wire.input.is_empty() {
                    wire.output().extend_from_slice(CONTINUE);
                    // It is no part of the answer: that can still be replaced.
                    exchange.begin += CONTINUE.len() as u64;
                }
            }
            let was_flushed = wire.is_flushed();
            match wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    self.writing.rests();
                    if !was_flushed {
                        // There is room again, for whatever waited for it.
                        continue;
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(self.client_is_gone()),
                // The application may still want its request's body meanwhile.
                Poll::Pending => self.writing.waits(wire.taken()),
            }
            match self.pump(cx) {
                Pumped::Progress => {}
                Pumped::Rests | Pumped::Waits => {
                    self.show_waits();
                    return Poll::Pending;
                }
                Pumped::Refused(refusal) => {
                    let answered = self.give_up_exchange(refusal);
                    return Poll::Ready(if answered { After::Close } else { After::Abort });
                }
                Pumped::Gone => return Poll::Ready(self.client_is_gone()),
            }
        }
    }

    /// Sends what the application has hinted at. It is no part of the answer: that can still be replaced.
    fn send_hints(&mut self) {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else { return };
        let Some(heads) = self.connection.take_hints() else { return };
        if exchange.framing.is_none() && exchange.version == Version::HTTP_11 {
            wire.output().extend_from_slice(&heads);
            exchange.begin += heads.len() as u64;
        }
    }

    /// Feeds the request's body, or watches for a client that leaves.
    fn pump(&mut self, cx: &mut Context<'_>) -> Pumped {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else { return Pumped::Gone };
        let pumped = exchange.source.pump(wire, cx);
        if matches!(pumped, Pumped::Waits) {
            exchange.reading.waits(exchange.source.taken());
        } else {
            exchange.reading.rests();
        }
        match pumped {
            // One buffer of the next request is enough: the client's end is noticed only while there is none. And as
            // long as it takes what we send, it may well have shut its own side.
            Pumped::Rests if wire.input.is_empty() && wire.is_flushed() => match wire.poll_fill(cx, 0) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    wire.shrink();
                    Pumped::Rests
                }
                Poll::Ready(_) => Pumped::Gone,
                Poll::Pending => Pumped::Rests,
            },
            other => other,
        }
    }

    /// Shows the sweep what is waited for, and since when: the client, or else the application.
    pub(super) fn show_waits(&self) {
        let reading = self.exchange.as_ref().and_then(|exchange| exchange.reading.since());
        progress::show(self.connection.state(), self.writing.since(), reading);
    }

    /// What is to be sent waits for the client.
    pub(super) fn waits_for_reader(&mut self) {
        if let Some(wire) = self.wire.as_mut() {
            wire.rest();
            self.writing.waits(wire.taken());
            self.show_waits();
        }
    }

    /// Asks the application for the next thing.
    fn advance(&mut self, cx: &mut Context<'_>) -> Advance {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Advance::Over(After::Abort);
        };
        // What a panic leaves behind is dropped and never looked at again.
        match self.step.as_mut().project() {
            StepProjection::Idle => Advance::Complete,
            StepProjection::Waiting { request } => match request.take() {
                Some(request) => self.ask(request, cx),
                None => Advance::Over(After::Abort),
            },
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
                        let fault = framing.end(wire, None);
                        self.sent(fault)
                    }
                    Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                        Ok(data) => match framing.send(wire, data) {
                            Piece::Taken => Advance::On,
                            Piece::TooLong => self.sent(Some(encode::TOO_LONG)),
                        },
                        Err(frame) => {
                            let fault = framing.end(wire, frame.trailers_ref().filter(|_| exchange.trailers));
                            self.sent(fault)
                        }
                    },
                    Ok(Poll::Ready(Some(Err(error)))) => self.fail(Some(error.into())),
                    Err(_panic) => self.fail(None),
                }
            }
        }
    }

    /// The head of the response is there.
    fn respond(&mut self, mut response: Response<S::Body>) -> Advance {
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
        if let Some(flight) = &exchange.flight {
            flight.sign(response.headers_mut());
        }
        self.worker.dress(response.headers_mut());
        // The application's own code, all of it.
        let hint = catch_unwind(AssertUnwindSafe(|| (response.body().size_hint(), response.body().is_end_stream())));
        let Ok((hint, is_empty)) = hint else { return self.fail(None) };
        let output = wire.output();
        let before = output.len();
        let (framing, close) = encode::head(output, &response, &hint, &plan);
        exchange.head = (output.len() - before) as u64;
        if close && (!exchange.close || !exchange.source.is_done() || !wire.input.is_empty()) {
            // The client does not know yet, and may send on; or it has sent what nobody has read.
            self.connection.state().set_linger(true);
        }
        exchange.close = close;
        if let Some(flight) = exchange.flight.as_mut() {
            flight.answered(response.status(), response.headers());
        }
        exchange.framing = Some(framing);
        if let Some(file) = response.extensions_mut().remove::<SendFile>()
            && framing == Framing::Length(file.length)
            && wire.io.sends_files()
        {
            wire.push_file(file);
            return self.sent(None);
        }
        self.step.set(Step::Sending { body: response.into_body() });
        if is_empty || framing == Framing::None {
            let fault = framing.end(wire, None);
            return self.sent(fault);
        }
        Advance::On
    }
}
