//! The body of a response on its way out of Python, and how far the application has got with it.

use super::fault::Fault;
use super::waiters::Waiters;
use crate::stretch::Stretch;
use bytes::Bytes;
use http::HeaderMap;
use http::response::Parts;
use std::collections::VecDeque;
use std::task::{Context, Poll};

/// With so many bytes waiting, the application waits too.
const MANY: u64 = 64 << 10;
/// From here on it need not any more.
const FEW: u64 = 16 << 10;

pub(super) struct Output {
    pub(super) phase: Phase,
    /// For the worker to send.
    pieces: VecDeque<Part>,
    bytes: u64,
    trailers: Option<HeaderMap>,
    fault: Option<Fault>,
    /// The application's, for room.
    pub(super) waiters: Waiters,
    is_head: bool,
    /// The client takes trailers.
    pub(super) may_trail: bool,
}

enum Part {
    Bytes(Bytes),
    File(Stretch),
}

pub(super) enum Phase {
    /// The application has said nothing.
    Silent,
    /// The head is there; it goes out with the first piece of the body, or else an error can still replace it.
    Head(Box<Parts>, bool),
    /// The head is the worker's; true: trailers will follow the body.
    Body(bool),
    /// The body is complete; the trailers are not.
    Trailers,
    /// All was said.
    Finished,
    /// Nothing that is said will be heard.
    Failed,
}

/// What the worker sends next.
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Fault(Fault),
    Wait,
}

impl Output {
    pub(super) fn new(is_head: bool, may_trail: bool) -> Self {
        Self {
            phase: Phase::Silent,
            pieces: VecDeque::new(),
            bytes: 0,
            trailers: None,
            fault: None,
            waiters: Waiters::default(),
            is_head,
            may_trail,
        }
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        // The client of a HEAD gets none of it.
        if !piece.is_empty() && !self.is_head {
            self.bytes += piece.len() as u64;
            self.pieces.push_back(Part::Bytes(piece));
        }
    }

    pub(super) fn push_file(&mut self, stretch: Stretch) {
        if stretch.len() > 0 && !self.is_head {
            self.bytes += stretch.len();
            self.pieces.push_back(Part::File(stretch));
        }
    }

    pub(super) fn trail(&mut self, trailers: HeaderMap) {
        if !self.may_trail {
            return;
        }
        match &mut self.trailers {
            Some(known) => known.extend(trailers),
            None => self.trailers = Some(trailers),
        }
    }

    /// For the worker. `True` with it: the application's waiting is over.
    pub(super) fn next(&mut self, cx: &mut Context<'_>) -> (Piece, bool) {
        let data = match self.pieces.front_mut() {
            None => None,
            Some(Part::Bytes(bytes)) => Some(Ok((std::mem::take(bytes), true))),
            Some(Part::File(stretch)) => match stretch.poll_read(cx) {
                Poll::Ready(read) => Some(read.map(|piece| (piece, stretch.len() == 0))),
                Poll::Pending => return (Piece::Wait, false),
            },
        };
        match data {
            None => {}
            Some(Ok((piece, is_last))) => {
                if is_last {
                    self.pieces.pop_front();
                }
                self.bytes -= piece.len() as u64;
                return (Piece::Data(piece), !self.waiters.is_empty() && self.has_room());
            }
            Some(Err(error)) => {
                self.drop_rest();
                self.phase = Phase::Failed;
                return (Piece::Fault(Fault::new(error.to_string())), !self.waiters.is_empty());
            }
        }
        if let Some(fault) = self.fault.take() {
            return (Piece::Fault(fault), false);
        }
        let piece = match (&self.phase, self.trailers.is_some()) {
            (Phase::Finished, true) => self.trailers.take().map_or(Piece::End, Piece::Trailers),
            (Phase::Finished | Phase::Failed, _) => Piece::End,
            _ => Piece::Wait,
        };
        (piece, false)
    }

    /// Nothing more will come.
    pub(super) fn is_end(&self) -> bool {
        self.pieces.is_empty()
            && self.fault.is_none()
            && self.trailers.is_none()
            && matches!(self.phase, Phase::Finished)
    }

    /// Whether the disk may have to be waited for.
    pub(super) fn has_file(&self) -> bool {
        self.pieces.iter().any(|part| matches!(part, Part::File(_)))
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MANY
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes <= FEW
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished)
    }

    /// Nobody will get what is sent.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }

    /// Whether the worker has the head.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.phase, Phase::Silent | Phase::Head(..))
    }

    pub(super) fn fail(&mut self, fault: Fault) {
        self.phase = Phase::Failed;
        self.fault = Some(fault);
    }

    pub(super) fn drop_rest(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
        if !self.is_finished() {
            self.phase = Phase::Failed;
        }
    }

    /// What an application that has returned has forgotten.
    pub(super) fn missing(&self) -> &'static str {
        if self.has_begun() {
            "the application returned before its response was complete"
        } else {
            "the application returned without a response"
        }
    }
}
