//! How an exchange ends: whole, broken off, or given up, and what its client sees of that.

use super::encode::Framing;
use super::exchange::{Advance, After, Step};
use super::refusal::Refusal;
use super::task::Parts;
use crate::sys::clock;
use crate::worker::application::{Application, BoxError, tell_failure};
use crate::worker::body::BodyError;
use crate::worker::request::End;
use crate::worker::state::Moment;
use http::{Method, StatusCode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

impl<S: Application> Parts<'_, S> {
    /// The response is complete but for what waits to be sent. A `fault` of its length is the end of the connection.
    pub(super) fn sent(&mut self, fault: Option<&str>) -> Advance {
        self.let_go();
        if let Some(fault) = fault {
            self.complain(fault);
            if let Some(exchange) = self.exchange.as_mut() {
                exchange.close = true;
            }
        }
        Advance::Complete
    }

    /// Drops what the application has of the request. It may panic then, which changes nothing.
    pub(super) fn let_go(&mut self) {
        let mut step = self.step.as_mut();
        drop(catch_unwind(AssertUnwindSafe(|| step.set(Step::Idle))));
    }

    /// The response is complete: sends it, and clears the way for the next request.
    pub(super) fn poll_complete(&mut self, cx: &mut Context<'_>) -> Poll<After> {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Poll::Ready(After::Abort);
        };
        // With the next request already here, its answer goes out with this one.
        let is_more = !exchange.close && exchange.source.is_done() && !wire.input.is_empty() && wire.has_room();
        if !is_more {
            match wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.writing.rests(),
                Poll::Ready(Err(_)) => return Poll::Ready(self.client_is_gone()),
                Poll::Pending => {
                    exchange.reading.rests();
                    self.waits_for_reader();
                    return Poll::Pending;
                }
            }
        }
        // With what waits, for the next answer to go out with it.
        let sent = exchange.body_of(wire.total + wire.waiting() as u64);
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
                    exchange.reading.waits(exchange.source.taken());
                    self.show_waits();
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
    pub(super) fn fail(&mut self, error: Option<BoxError>) -> Advance {
        self.let_go();
        let Some(exchange) = self.exchange.as_mut() else { return Advance::Over(After::Abort) };
        let Some(flight) = exchange.flight.as_ref() else { return Advance::Over(After::Abort) };
        let request = flight.describe(self.connection);
        match (error, exchange.framing.is_some()) {
            (None, _) => crate::log::error!("The panic was in the answer to {request}"),
            (Some(error), false) => tell_failure(format_args!("The application failed to answer {request}"), &error),
            (Some(error), true) => tell_failure(format_args!("The response to {request} failed midway"), &error),
        }
        if self.give_up_exchange(Refusal::FAILURE) { Advance::Over(After::Close) } else { Advance::Over(After::Abort) }
    }

    pub(super) fn complain(&self, what: &str) {
        let flight = self.exchange.as_ref().and_then(|exchange| exchange.flight.as_ref());
        if let Some(flight) = flight {
            crate::log::error!("The response to {} {what}", flight.describe(self.connection));
        }
    }

    /// Ends the exchange with a refusal, if nothing of the response was sent; false: it was, and the connection is to be
    /// closed at once.
    pub(super) fn give_up_exchange(&mut self, refusal: Refusal) -> bool {
        if let Some(exchange) = self.exchange.as_mut() {
            // Before the application is let go, so that it can find out why.
            exchange.source.fail(BodyError::Refused(refusal.reason));
        }
        self.let_go();
        let (Some(wire), Some(mut exchange)) = (self.wire.as_mut(), self.exchange.take()) else { return false };
        let Some(mut flight) = exchange.flight.take() else {
            // It was only about the rest of a body that nobody wanted.
            *self.closing = true;
            self.connection.state().set_linger(true);
            return true;
        };
        let is_late = matches!(refusal.status, StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT);
        let untouched = exchange.framing.is_none() || wire.total <= exchange.begin;
        if untouched {
            // What waits of earlier answers is still sent.
            wire.forget_beyond(exchange.begin);
            let sent = self.refuse(refusal, exchange.method == Method::HEAD, flight.id());
            flight.refused(refusal.status);
            flight.end(if is_late { End::TimedOut } else { End::Answered }, sent);
        } else {
            if exchange.framing == Some(Framing::Close) {
                // Nothing else tells this client that something is missing.
                wire.io.reset_on_close();
            }
            let end = if is_late { End::TimedOut } else { End::Failed };
            flight.end(end, exchange.body_of(wire.total));
        }
        untouched
    }

    pub(super) fn client_is_gone(&mut self) -> After {
        self.abandon(End::ClientGone);
        After::Abort
    }

    /// The exchange is over, whatever state it is in.
    pub(super) fn abandon(&mut self, end: End) {
        self.let_go();
        let (Some(wire), Some(mut exchange)) = (self.wire.as_mut(), self.exchange.take()) else { return };
        if let Some(flight) = exchange.flight.take() {
            if exchange.framing == Some(Framing::Close) {
                wire.io.reset_on_close();
            }
            flight.end(end, exchange.body_of(wire.total));
        }
    }
}
