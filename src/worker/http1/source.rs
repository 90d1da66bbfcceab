//! Where the body of a request comes from: the bytes of the connection, decoded, for as long as the application wants
//! them, or for as long as they are in the way of the next request.

use super::chunked::{Decoded, Decoder};
use super::incoming::Sender;
use super::refusal::Refusal;
use super::rules::Framing;
use super::wire::Wire;
use crate::worker::body::BodyError;
use bytes::Bytes;
use std::task::{Context, Poll};

/// So much of a body that nobody reads is thrown away for the sake of the connection.
const WASTE: u64 = 64 << 10;

pub(super) struct Source {
    rest: Rest,
    /// The application's end; none: it has all, or wants no more.
    sender: Option<Sender>,
    /// Bytes of the body so far.
    taken: u64,
    limit: u64,
    wasted: u64,
}

enum Rest {
    Length(u64),
    Chunked(Decoder),
}

/// What a look at the body came to.
pub(super) enum Pumped {
    /// The application has something new to see.
    Progress,
    /// There is nothing to do: the body is complete, or nobody wants more of it at the moment.
    Rests,
    /// The client has to send more.
    Waits,
    /// The client sends something that is no body, or too much.
    Refused(Refusal),
    /// The connection is broken, or the client closed it in the middle.
    Gone,
}

impl Source {
    /// `limit` of zero: a body may have any size.
    pub(super) fn new(framing: Framing, sender: Option<Sender>, limit: u64) -> Self {
        let rest = match framing {
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Decoder::new()),
        };
        Self { rest, sender, taken: 0, limit, wasted: 0 }
    }

    /// Whether the client has sent all of it.
    pub(super) fn is_done(&self) -> bool {
        match &self.rest {
            Rest::Length(left) => *left == 0,
            Rest::Chunked(decoder) => decoder.is_done(),
        }
    }

    /// Whether what is left is little enough to be thrown away, if it is known.
    pub(super) fn is_little(&self) -> bool {
        match &self.rest {
            Rest::Length(left) => *left <= WASTE,
            Rest::Chunked(_) => true,
        }
    }

    /// How many bytes of the body have come.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the application waits for more.
    pub(super) fn is_wanted(&self, cx: &Context<'_>) -> bool {
        !self.is_done() && self.sender.as_ref().is_some_and(|sender| sender.is_wanted(cx))
    }

    /// Reads on if the application wants more.
    pub(super) fn pump(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Pumped {
        if !self.is_wanted(cx) {
            return Pumped::Rests;
        }
        loop {
            match self.decode(wire) {
                Err(refusal) => {
                    self.fail(BodyError::Refused(refusal.reason));
                    return Pumped::Refused(refusal);
                }
                Ok(Decoded::Data(data)) => {
                    let is_done = self.is_done();
                    if let Some(sender) = &self.sender {
                        sender.send(data, cx);
                        if is_done {
                            sender.complete(None, cx);
                        }
                    }
                    return Pumped::Progress;
                }
                Ok(Decoded::End(trailers)) => {
                    if let Some(sender) = &self.sender {
                        sender.complete(trailers, cx);
                    }
                    return Pumped::Progress;
                }
                Ok(Decoded::NeedMore) => match wire.poll_fill(cx, self.expected()) {
                    Poll::Ready(Ok(count)) if count > 0 => {}
                    Poll::Ready(_) => return Pumped::Gone,
                    Poll::Pending => return Pumped::Waits,
                },
            }
        }
    }

    /// Throws away what nobody read. `Ready(false)`: there is too much of it, or it is none.
    pub(super) fn poll_discard(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Poll<bool> {
        self.sender = None;
        while !self.is_done() {
            match self.decode(wire) {
                Err(_) => return Poll::Ready(false),
                Ok(Decoded::Data(data)) => {
                    self.wasted += data.len() as u64;
                    if self.wasted > WASTE {
                        return Poll::Ready(false);
                    }
                }
                Ok(Decoded::End(_)) => {}
                Ok(Decoded::NeedMore) => match wire.poll_fill(cx, self.expected()) {
                    Poll::Ready(Ok(count)) if count > 0 => {}
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        Poll::Ready(true)
    }

    /// The application learns that there will be no more.
    pub(super) fn fail(&mut self, error: BodyError) {
        if let Some(sender) = self.sender.take() {
            sender.fail(error);
        }
    }

    fn expected(&self) -> u64 {
        match &self.rest {
            Rest::Length(left) => *left,
            Rest::Chunked(_) => u64::MAX,
        }
    }

    fn decode(&mut self, wire: &mut Wire) -> Result<Decoded, Refusal> {
        let decoded = match &mut self.rest {
            Rest::Length(left) => take(wire, left),
            Rest::Chunked(decoder) => decoder.decode(&mut wire.input)?,
        };
        if let Decoded::Data(data) = &decoded {
            self.taken += data.len() as u64;
            if self.limit > 0 && self.taken > self.limit {
                return Err(Refusal::BODY_TOO_LARGE);
            }
        }
        Ok(decoded)
    }
}

fn take(wire: &mut Wire, left: &mut u64) -> Decoded {
    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(wire.input.len());
    if here == 0 {
        return Decoded::NeedMore;
    }
    *left -= here as u64;
    Decoded::Data(wire.input.split_to(here).freeze())
}

/// All of a body that has come with its head.
pub(super) fn whole(framing: Framing, wire: &mut Wire) -> Option<Bytes> {
    match framing {
        Framing::Length(0) => Some(Bytes::new()),
        Framing::Length(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length <= wire.input.len())?;
            Some(wire.input.split_to(length).freeze())
        }
        Framing::Chunked => None,
    }
}
