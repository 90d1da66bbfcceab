//! The body of a response: the application's, or a line of our own. The request is over with its last byte.

use crate::worker::application::{BoxError, chain};
use crate::worker::connection::Connection;
use crate::worker::request::{End, Flight};
use bytes::{Buf, Bytes};
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A request whose answer is not complete; dropped before that, its client has gone away.
pub(super) struct Pending {
    flight: Option<Flight>,
    connection: Connection,
    sent: u64,
}

impl Pending {
    pub(super) fn new(flight: Flight, connection: Connection) -> Self {
        Self { flight: Some(flight), connection, sent: 0 }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        if let Some(flight) = self.flight.as_mut() {
            flight.answered(status);
        }
    }

    /// Puts the request's id into its response.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        if let Some(flight) = &self.flight {
            flight.sign(headers);
        }
    }

    pub(super) fn describe(&self) -> String {
        self.flight.as_ref().map_or_else(String::new, |flight| flight.describe(&self.connection))
    }

    fn end(mut self, end: End) {
        self.finish(end);
    }

    fn finish(&mut self, end: End) {
        if let Some(flight) = self.flight.take() {
            flight.end(&self.connection, end, self.sent);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.finish(End::ClientGone);
    }
}

pin_project! {
    /// A response body that ends its request when it ends.
    pub(super) struct Outgoing<B> {
        #[pin]
        source: Source<B>,
        pending: Option<Pending>,
    }
}

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Application { #[pin] body: B },
        Text { text: Option<Bytes> },
    }
}

impl<B> Outgoing<B> {
    pub(super) fn application(body: B, pending: Pending) -> Self {
        Self { source: Source::Application { body }, pending: Some(pending) }
    }

    pub(super) fn text(text: &'static str, pending: Pending) -> Self {
        Self { source: Source::Text { text: Some(Bytes::from_static(text.as_bytes())) }, pending: Some(pending) }
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Chunk<B::Data>;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let this = self.project();
        let frame = match this.source.project() {
            SourceProjection::Application { body } => ready!(body.poll_frame(cx))
                .map(|frame| frame.map(|frame| frame.map_data(Chunk::Application)).map_err(Into::into)),
            SourceProjection::Text { text } => text.take().map(|text| Ok(Frame::data(Chunk::Text(text)))),
        };
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Buf::remaining);
                if let Some(pending) = this.pending.as_mut() {
                    pending.sent += length as u64;
                }
            }
            // Part of the response is on its way: all that can be done is to abort.
            Some(Err(error)) => {
                if let Some(pending) = this.pending.take() {
                    crate::log::error!("The response to {} failed midway: {}", pending.describe(), chain(&**error));
                    pending.end(End::Failed);
                }
            }
            None => {
                if let Some(pending) = this.pending.take() {
                    pending.end(End::Answered);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Application { body } => body.is_end_stream(),
            Source::Text { text } => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Application { body } => body.size_hint(),
            Source::Text { text } => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

/// A piece of either.
pub(super) enum Chunk<D> {
    Application(D),
    Text(Bytes),
}

impl<D: Buf> Buf for Chunk<D> {
    fn remaining(&self) -> usize {
        match self {
            Self::Application(data) => data.remaining(),
            Self::Text(text) => text.remaining(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Application(data) => data.chunk(),
            Self::Text(text) => text.chunk(),
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        match self {
            Self::Application(data) => data.chunks_vectored(slices),
            Self::Text(text) => text.chunks_vectored(slices),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Application(data) => data.advance(count),
            Self::Text(text) => text.advance(count),
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        match self {
            Self::Application(data) => data.copy_to_bytes(count),
            Self::Text(text) => text.copy_to_bytes(count),
        }
    }
}
