//! One request and its response: the application is asked, its body is fed, its answer is sent.

use super::encode::{self, Framing, Piece};
use super::half::HalfClosed;
use super::source::{Pumped, Source};
use super::task::Parts;
use crate::types::Mono;
use crate::worker::application::Application;
use crate::worker::body::Body;
use crate::worker::progress::Progress;
use crate::worker::request::Flight;
use http::{Method, Request, Version};
use http_body::Body as _;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

/// An interim answer (RFC 9110, 15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request being answered.
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) version: Version,
    /// None: the answer was sent, and what is left of the request is thrown away.
    pub(super) flight: Option<Flight>,
    pub(super) source: Source,
    /// How the request's body makes progress.
    pub(super) reading: Progress,
    /// The client awaits `100 Continue`.
    pub(super) expects: bool,
    /// The connection ends with this exchange.
    pub(super) close: bool,
    /// How the response's body is sent; none: its head is not known.
    pub(super) framing: Option<Framing>,
    /// Bytes that the connection had sent before, or was about to send.
    pub(super) begin: u64,
    /// Bytes of the response's head.
    pub(super) head: u64,
    /// The client takes trailers (RFC 9110, 10.1.4).
    pub(super) trailers: bool,
    /// When it began, as long as that is now.
    pub(super) stamp: Option<Mono>,
    /// The client has shut its sending side.
    pub(super) half: Option<Box<HalfClosed>>,
}

impl Exchange {
    /// How much of the response's body, its framing included, is within the first `bytes` that the connection sends.
    pub(super) fn body_of(&self, bytes: u64) -> u64 {
        bytes.saturating_sub(self.begin + self.head)
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
}
