//! The client's side of an exchange: its request's body, how it takes the response, and whether it is still there.

use super::exchange::CONTINUE;
use super::source::Pumped;
use super::task::Parts;
use crate::worker::application::Application;
use crate::worker::progress;
use http::Version;
use std::task::{Context, Poll};

impl<S: Application> Parts<'_, S> {
    /// Feeds the request's body, or watches for a client that leaves.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) -> Pumped {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else { return Pumped::Gone };
        if exchange.half.is_some() {
            return self.look_for_life(cx);
        }
        let pumped = exchange.source.pump(wire, cx);
        if matches!(pumped, Pumped::Waits) {
            exchange.reading.waits(exchange.source.taken());
        } else {
            exchange.reading.rests();
        }
        match pumped {
            // One buffer of the next request is enough: the client's end is noticed only while there is none. And as
            // long as it takes what we send, it may well have shut its own side.
            Pumped::Rests if wire.input.is_empty() && wire.is_flushed() => match wire.poll_look(cx) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    wire.shrink();
                    Pumped::Rests
                }
                Poll::Ready(Ok(_)) => self.hears_the_end(cx),
                Poll::Ready(Err(_)) => Pumped::Gone,
                Poll::Pending => Pumped::Rests,
            },
            other => other,
        }
    }

    /// The client has shut its sending side: it has left, or it has said all that it has to say.
    fn hears_the_end(&mut self, cx: &mut Context<'_>) -> Pumped {
        let Some(exchange) = self.exchange.as_mut() else { return Pumped::Gone };
        let may_ask = exchange.version == Version::HTTP_11 && exchange.framing.is_none();
        let may_wait = exchange.source.is_done() && (may_ask || self.connection.is_local());
        if !may_wait || self.connection.state().is_hung_up() {
            return Pumped::Gone;
        }
        exchange.close = true;
        exchange.half = Some(Box::default());
        self.look_for_life(cx)
    }

    /// Looks now and then whether a client that has shut its sending side is still there.
    fn look_for_life(&mut self, cx: &mut Context<'_>) -> Pumped {
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else { return Pumped::Gone };
        let Some(half) = exchange.half.as_mut() else { return Pumped::Rests };
        if half.poll_next_look(cx).is_pending() {
            return Pumped::Rests;
        }
        if self.connection.state().is_hung_up() {
            return Pumped::Gone;
        }
        let may_probe = exchange.framing.is_none() && wire.is_flushed() && !self.connection.is_local();
        if may_probe && half.probes() {
            wire.output().extend_from_slice(CONTINUE);
            exchange.begin += CONTINUE.len() as u64;
        }
        Pumped::Progress
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
}
