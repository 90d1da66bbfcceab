//! Waiting for the next request, and what its first bytes are: a head, nonsense, or another protocol.

use super::demands::{Demands, Upgrade};
use super::head;
use super::known;
use super::refusal::Refusal;
use super::scan::Scan;
use super::scratch;
use super::task::Parts;
use crate::sys::clock;
use crate::worker::application::Application;
use crate::worker::body::Body;
use crate::worker::request;
use crate::worker::state::Moment;
use bytes::{Buf, Bytes, BytesMut};
use http::Request;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What a HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a head demands, or what is wrong with it, and the bytes that it was made of.
type Parsed = (Result<Demands, Refusal>, Bytes);

/// What waiting for a request came to.
pub(super) enum Received {
    /// A request, which has begun or was refused.
    Head,
    /// It was no request; with what came of it.
    Refused(Refusal, Bytes),
    /// The answers to earlier requests have to go out before this one can be handed over.
    FlushFirst,
    /// The client has closed its side, or is gone.
    End,
    Http2,
    Upgrade,
}

impl<S: Application> Parts<'_, S> {
    /// Waits for the next head. After an answer: there is hardly ever one already.
    pub(super) fn poll_receive(&mut self, after_answer: bool, cx: &mut Context<'_>) -> Poll<Received> {
        loop {
            let Some(wire) = self.wire.as_mut() else { return Poll::Ready(Received::End) };
            if !wire.input.is_empty() {
                if *self.served == 0 && wire.input.len() >= PREFACE.len() && wire.input.starts_with(PREFACE) {
                    let refused = Received::Refused(Refusal::NO_HTTP2, Bytes::from_static(b"PRI * HTTP/2.0"));
                    return Poll::Ready(if self.may_speak_http2() { Received::Http2 } else { refused });
                }
                let may_be_preface = *self.served == 0 && PREFACE.starts_with(&wire.input);
                if !may_be_preface && let Some(received) = self.look(cx) {
                    return Poll::Ready(received);
                }
            }
            if ready!(self.poll_answers(cx)).is_err() {
                return Poll::Ready(Received::End);
            }
            let Some(wire) = self.wire.as_mut() else { return Poll::Ready(Received::End) };
            let had = wire.input.len();
            let filled = if after_answer { wire.poll_look(cx) } else { wire.poll_fill(cx, 0) };
            match filled {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Received::End),
                Poll::Pending => {
                    if had > 0 {
                        wire.shrink();
                        if self.state().moment() != Moment::Receiving {
                            self.state().waits(Moment::Receiving, clock::now());
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Whether a client that did not ask (ALPN) may begin with HTTP/2.
    fn may_speak_http2(&self) -> bool {
        let orders = &self.worker.orders;
        match self.connection.tls() {
            Some(_) => orders.http_protocols.iter().any(|protocol| protocol == "h2"),
            None => orders.http2.cleartext,
        }
    }

    /// Looks for a head in what came.
    fn look(&mut self, cx: &mut Context<'_>) -> Option<Received> {
        let mut request = Request::new(Body::empty());
        if let Some(demands) = self.take_known(&mut request) {
            self.begin(demands, request, cx);
            return Some(Received::Head);
        }
        *request.headers_mut() = scratch::take_headers();
        let (demands, bytes) = match self.take_whole(&mut request) {
            Some(parsed) => parsed,
            None => self.take_found(&mut request)?,
        };
        Some(match demands {
            Err(refusal) => Received::Refused(refusal, bytes),
            Ok(demands) if demands.upgrade == Upgrade::No => {
                self.begin(demands, request, cx);
                Received::Head
            }
            Ok(_) => {
                let wire = self.wire.as_mut()?;
                wire.io.put_back([bytes, wire.input.split().freeze()]);
                if wire.is_flushed() { Received::Upgrade } else { Received::FlushFirst }
            }
        })
    }

    /// A head that has come before, alone and in one piece as it did then.
    fn take_known(&mut self, into: &mut Request<Body>) -> Option<Demands> {
        let wire = self.wire.as_mut()?;
        if self.scan.has_begun() || *self.pipelines {
            return None;
        }
        let demands = known::recall(&wire.input, into)?;
        wire.input.clear();
        Some(demands)
    }

    /// A head that has come alone and in one piece, as most do.
    fn take_whole(&mut self, into: &mut Request<Body>) -> Option<Parsed> {
        let wire = self.wire.as_mut()?;
        if self.scan.has_begun() || *self.pipelines || !wire.input.ends_with(b"\r\n\r\n") {
            return None;
        }
        let bytes = wire.input.split().freeze();
        match head::parse_whole(&bytes, &self.worker.head_limits, into) {
            Some(demands) => {
                if let Ok(demands) = &demands {
                    known::keep(&bytes, &self.worker.head_limits, into, demands);
                }
                Some((demands, bytes))
            }
            None => {
                // Once is enough: a client that sends several at a time does so again.
                *self.pipelines = true;
                wire.input = BytesMut::from(bytes);
                None
            }
        }
    }

    /// A head that may come in pieces, and with other things behind it.
    fn take_found(&mut self, into: &mut Request<Body>) -> Option<Parsed> {
        let wire = self.wire.as_mut()?;
        // Some clients send an empty line after a body (RFC 9112, 2.2).
        while !self.scan.has_begun() && wire.input.starts_with(b"\r\n") {
            wire.input.advance(2);
        }
        if !self.scan.has_begun() && matches!(wire.input.as_ref(), [] | [b'\r']) {
            wire.rest();
            return None;
        }
        let found = match self.scan.find(&wire.input, &self.worker.head_limits) {
            Ok(found) => found?,
            Err(refusal) => return Some((Err(refusal), wire.input.split().freeze())),
        };
        *self.scan = Scan::default();
        let bytes = wire.input.split_to(found.length).freeze();
        Some((head::parse(&bytes, found, into), bytes))
    }

    /// Refuses what never became a request, and gives it its line in the access log.
    pub(super) fn refuse_unheard(&mut self, refusal: Refusal, came: &[u8]) {
        let sent = self.refuse(refusal, came.starts_with(b"HEAD "), None);
        if let Some(log) = self.worker.access.get() {
            let line = came.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
            let state = self.state();
            // A head that took its time has a stamp from when it began to.
            let waited =
                if state.moment() == Moment::Receiving { clock::now().since(state.since()) } else { Duration::ZERO };
            request::refused(log, self.connection, (refusal.status.as_u16(), sent), line, waited);
        }
    }
}
