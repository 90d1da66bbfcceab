//! The body of a request, as the application reads it.

use super::http1::Incoming;
use super::hyper::Taken;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A request's body: a stream of bytes that is read from the client as the application asks for it.
///
/// A client that awaits `100 Continue` gets it when the application first reads. A body that the application does not
/// read is thrown away.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    /// Nothing, or all of it at once.
    Whole(Option<Bytes>),
    Http1(Incoming),
    Hyper(Taken),
}

/// Why a request's body ends before its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The client has closed the connection or reset the stream, or this side gave it up.
    Disconnected,
    /// The client sends something that is no body, or nothing for too long, or more than is allowed.
    Refused(&'static str),
    /// HTTP/2 or an upgraded connection failed.
    Transport(Arc<hyper::Error>),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("the client went away before its request was complete"),
            Self::Refused(reason) => f.write_str(reason),
            Self::Transport(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BodyError {}

impl Body {
    pub(super) fn empty() -> Self {
        Self(Kind::Whole(None))
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    /// All of it, if that came with the request's head: without a look at the connection, and so from anywhere.
    #[doc(hidden)]
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Kind::Whole(bytes) => Some(bytes.take().unwrap_or_default()),
            Kind::Http1(_) | Kind::Hyper(_) => None,
        }
    }

    /// Why its client was refused the rest of it, if it was.
    #[doc(hidden)]
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        match &self.0 {
            Kind::Whole(_) => None,
            Kind::Http1(incoming) => incoming.refusal(),
            Kind::Hyper(taken) => taken.refusal(),
        }
    }

    pub(super) fn http1(incoming: Incoming) -> Self {
        Self(Kind::Http1(incoming))
    }

    pub(super) fn hyper(taken: Taken) -> Self {
        Self(Kind::Hyper(taken))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Http1(incoming) => incoming.poll_frame(cx),
            Kind::Hyper(taken) => taken.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Http1(incoming) => incoming.is_end_stream(),
            Kind::Hyper(taken) => taken.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Http1(incoming) => incoming.size_hint(),
            Kind::Hyper(taken) => taken.size_hint(),
        }
    }
}
