//! What a HTTP/2 client sends, in bytes: a client that sends next to nothing but frames without use (PING, SETTINGS,
//! WINDOW_UPDATE, PRIORITY, empty DATA) is cut, whatever the frames are called. nginx judges in the same way. So is one
//! that only asks and cancels. Either is told why, if that can be done at once.

use super::calm::{Boundary, GOAWAY};
use super::streams::Streams;
use crate::worker::wire::Io;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Meter {
    io: Io,
    streams: Arc<Streams>,
    /// Of what is sent.
    boundary: Boundary,
}

impl Meter {
    pub(super) fn new(io: Io, streams: Arc<Streams>) -> Self {
        Self { io, streams, boundary: Boundary::default() }
    }

    /// Why nothing more is heard of this client; it is told to be calm.
    fn object(&mut self, why: &'static str, cx: &mut Context<'_>) -> io::Error {
        if self.boundary.is_between() {
            // At once or not at all: a client that floods us and takes nothing is not waited for.
            let sent = Pin::new(&mut self.io).poll_write(cx, &GOAWAY);
            if matches!(sent, Poll::Ready(Ok(_))) {
                let _ = Pin::new(&mut self.io).poll_flush(cx);
            }
        }
        io::Error::other(why)
    }
}

impl AsyncRead for Meter {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.streams.is_reset_too_often() {
            return Poll::Ready(Err(self.object("its client only asks and cancels", cx)));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.streams.hears(buf.filled().len() - before);
        if self.streams.hears_nonsense() {
            return Poll::Ready(Err(self.object("nearly all that its client sends is of no use", cx)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Meter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &poll {
            self.boundary.advance(&bytes[..*count]);
        }
        self.streams.wrote(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(count)) = &poll {
            let mut left = *count;
            for slice in slices {
                let sent = left.min(slice.len());
                left -= sent;
                self.boundary.advance(&slice[..sent]);
            }
        }
        self.streams.wrote(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.io).poll_flush(cx);
        self.streams.wrote(poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
