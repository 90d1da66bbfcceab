//! The body of a request on its way from hyper to the application: counted, limited, and watched while it is awaited.

use super::stream::Stream;
use crate::worker::body::BodyError;
use crate::worker::request::Refusal;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long the rest of a body that nobody reads holds back the end of its stream. Some clients (curl 7.88) take the
/// RST_STREAM that follows an early answer for a failure if they are still sending then.
const LINGER: Duration = Duration::from_secs(1);
/// How much of it is taken meanwhile.
const WASTE: usize = 64 << 10;

pub(in crate::worker) struct Taken {
    /// None: it is dropped.
    incoming: Option<Incoming>,
    is_http2: bool,
    /// The application may keep the body for longer than its request lasts.
    stream: Weak<Stream>,
    /// Zero: none.
    limit: u64,
    taken: u64,
    is_refused: bool,
}

impl Taken {
    pub(super) fn new(incoming: Incoming, is_http2: bool, stream: &Arc<Stream>, limit: u64) -> Self {
        let (incoming, stream) = (Some(incoming), Arc::downgrade(stream));
        Self { incoming, is_http2, stream, limit, taken: 0, is_refused: false }
    }

    pub(in crate::worker) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.is_refused {
            return Poll::Ready(Some(Err(BodyError::Refused(Refusal::BODY_TOO_LARGE.reason))));
        }
        let Some(incoming) = self.incoming.as_mut() else { return Poll::Ready(None) };
        let poll = Pin::new(incoming).poll_frame(cx);
        if let Some(stream) = self.stream.upgrade() {
            if poll.is_pending() {
                stream.awaits(self.taken);
            } else {
                stream.awaits_no_more();
            }
        }
        let Some(answer) = ready!(poll) else { return Poll::Ready(None) };
        let frame = match answer {
            Ok(frame) => frame,
            Err(error) => return Poll::Ready(Some(Err(BodyError::Transport(Arc::new(error))))),
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.taken += length as u64;
        if let Some(stream) = self.stream.upgrade() {
            stream.takes(length);
            if self.limit > 0 && self.taken > self.limit {
                self.is_refused = true;
                stream.refuse(Refusal::BODY_TOO_LARGE);
                return self.poll_frame(cx);
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    pub(in crate::worker) fn refusal(&self) -> Option<&'static str> {
        self.is_refused.then_some(Refusal::BODY_TOO_LARGE.reason)
    }

    pub(in crate::worker) fn is_end_stream(&self) -> bool {
        !self.is_refused && self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    pub(in crate::worker) fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.upgrade() {
            stream.awaits_no_more();
        }
        let unread = self.incoming.take().filter(|incoming| self.is_http2 && !incoming.is_end_stream());
        if let (Some(unread), Ok(runtime)) = (unread, Handle::try_current()) {
            drop(runtime.spawn(tokio::time::timeout(LINGER, discard(unread))));
        }
    }
}

/// Throws away a little of what still comes, and holds the stream open until the client ends or resets it.
async fn discard(mut unread: Incoming) {
    let mut wasted = 0;
    while let Some(Ok(frame)) = unread.frame().await {
        wasted += frame.data_ref().map_or(0, Bytes::len);
        if wasted > WASTE {
            // The client's window is closed from now on.
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("taken", &self.taken).finish_non_exhaustive()
    }
}
