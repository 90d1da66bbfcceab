//! The body of a response: the application's, or a line of our own.

use super::application::{BoxError, chain};
use super::request::Flight;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A response body that hands its request over to `io` when it ends.
    pub(super) struct Outgoing<B> {
        #[pin]
        source: Source<B>,
        flight: Option<Flight>,
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
    pub(super) fn application(body: B, flight: Flight) -> Self {
        Self { source: Source::Application { body }, flight: Some(flight) }
    }

    pub(super) fn text(text: &'static str, flight: Flight) -> Self {
        Self { source: Source::Text { text: Some(Bytes::from_static(text.as_bytes())) }, flight: Some(flight) }
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
            SourceProjection::Application { body } => {
                ready!(body.poll_frame(cx)).map(|frame| frame.map(|frame| frame.map_data(Chunk::Application)))
            }
            SourceProjection::Text { text } => text.take().map(|text| Ok(Frame::data(Chunk::Text(text)))),
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                // Part of the response is on its way: all that can be done is to abort the connection.
                let error = error.into();
                if let Some(mut flight) = this.flight.take() {
                    flight.failed();
                    crate::log::error!("The response to {} failed midway: {}", flight.describe(), chain(&*error));
                }
                Some(Err(error))
            }
            None => {
                *this.flight = None;
                None
            }
        })
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
