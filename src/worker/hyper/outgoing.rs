//! The body of a response: the application's, held to what its head has announced, or a line of our own. The request is
//! over when the last byte of it has left.

use super::stream::Stream;
use crate::worker::application::{BoxError, tell_failure};
use crate::worker::request::End;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The body is handed over in pieces of this size, each when there is room for it: a client that takes nothing keeps
/// little of it in memory, and the wait for that client stays with the request.
const PIECE: usize = 16 << 10;

pin_project! {
    /// A response body that ends its request when it ends.
    pub(super) struct Outgoing<B> {
        #[pin]
        body: Option<B>,
        // Given by the application, and not handed over.
        rest: Bytes,
        // Bytes that the head has announced and that are still to come.
        left: Option<u64>,
        stream: Arc<Stream>,
        is_over: bool,
    }
}

impl<B: Body> Outgoing<B> {
    /// The application's; `length` is what the head says.
    pub(super) fn application(body: B, length: Option<u64>, stream: Arc<Stream>) -> Self {
        if body.is_end_stream() && length.is_none_or(|length| length == 0) {
            return Self::whole(Bytes::new(), stream);
        }
        Self { body: Some(body), rest: Bytes::new(), left: length, stream, is_over: false }
    }
}

impl<B> Outgoing<B> {
    /// A line of our own, or nothing.
    pub(super) fn whole(text: Bytes, stream: Arc<Stream>) -> Self {
        if text.is_empty() {
            stream.completes();
        }
        Self { body: None, left: Some(text.len() as u64), is_over: text.is_empty(), rest: text, stream }
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Piece;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, BoxError>>> {
        loop {
            let mut this = self.as_mut().project();
            if !this.rest.is_empty() {
                let length = this.rest.len().min(PIECE);
                let piece = Piece::new(this.rest.split_to(length), this.stream.clone());
                if this.rest.is_empty() && this.body.is_none() {
                    this.stream.completes();
                    *this.is_over = true;
                }
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let Some(body) = this.body.as_mut().as_pin_mut().filter(|_| !*this.is_over) else {
                return Poll::Ready(None);
            };
            this.stream.asks();
            // What a panic leaves behind is never looked at again.
            let poll = catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx)));
            let Ok(poll) = poll else { return Poll::Ready(Some(Err(self.panicked()))) };
            match ready!(poll) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        let length = data.remaining();
                        if let Some(left) = this.left {
                            let Some(less) = left.checked_sub(length as u64) else {
                                return Poll::Ready(Some(Err(
                                    self.fails("is longer than its Content-Length says".into())
                                )));
                            };
                            *left = less;
                        }
                        *this.rest = data.copy_to_bytes(length);
                        if length > 0 && this.left.is_none_or(|left| left == 0) && is_over(&this.body) {
                            // Now, so that the last piece can carry the end.
                            this.body.set(None);
                        }
                    }
                    Err(frame) => match frame.into_trailers() {
                        Ok(_) if this.left.is_some_and(|left| left > 0) => return self.ends_early(),
                        Ok(trailers) => {
                            *this.is_over = true;
                            this.stream.completes();
                            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                        }
                        Err(_) => {}
                    },
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(self.fails(error.into())))),
                None if this.left.is_some_and(|left| left > 0) => return self.ends_early(),
                None => {
                    *this.is_over = true;
                    this.stream.completes();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None => SizeHint::default(),
        }
    }
}

fn is_over<B: Body>(body: &Pin<&mut Option<B>>) -> bool {
    body.as_ref().get_ref().as_ref().is_none_or(B::is_end_stream)
}

impl<B> Outgoing<B> {
    /// Part of the response is on its way: all that can be done is to abort.
    fn fails(self: Pin<&mut Self>, error: BoxError) -> BoxError {
        let this = self.project();
        *this.is_over = true;
        tell_failure(format_args!("The response to {} failed midway", this.stream.describe()), &error);
        this.stream.settle(End::Failed);
        error
    }

    fn panicked(self: Pin<&mut Self>) -> BoxError {
        let this = self.project();
        *this.is_over = true;
        crate::log::error!("The panic was in the answer to {}", this.stream.describe());
        this.stream.settle(End::Failed);
        "the application panicked".into()
    }

    fn ends_early<T>(self: Pin<&mut Self>) -> Poll<Option<Result<T, BoxError>>> {
        Poll::Ready(Some(Err(self.fails("is shorter than its Content-Length says".into()))))
    }
}

/// A piece of a body on its way.
pub(super) struct Piece {
    bytes: Bytes,
    stream: Arc<Stream>,
}

impl Piece {
    fn new(bytes: Bytes, stream: Arc<Stream>) -> Self {
        stream.gives(bytes.len());
        Self { bytes, stream }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.stream.sends(count);
    }
}
