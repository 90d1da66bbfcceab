//! The bytes of one HTTP/1 connection: what came and was not looked at, and what is still to be sent.

use super::scratch::{self, ROOM};
use crate::worker::sendfile::SendFile;
use crate::worker::wire::Io;
use bytes::{Buf, Bytes, BytesMut};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncReadExt, AsyncWrite};

/// Pieces up to this size are copied behind what waits already: cheaper than the kernel's walk over several.
const SMALL: usize = 8 << 10;
/// With so many bytes waiting, no more are asked of the application.
const MANY: usize = 32 << 10;
/// So much more than they need may bytes that wait for their rest keep.
const SPARE: usize = 1 << 10;
/// The most that is read of a body at a time.
const MOST: usize = 64 << 10;
/// The most that is sent of a file at a time.
const MOST_OF_FILE: usize = 256 << 10;

pub(super) struct Wire {
    pub(super) io: Io,
    /// Received, and not looked at.
    pub(super) input: BytesMut,
    /// To be sent: first this, from `sent` on, ...
    output: Vec<u8>,
    sent: usize,
    /// ... then this, ...
    large: Bytes,
    /// ... then this, ...
    tail: &'static [u8],
    /// ... then this.
    file: Option<Box<SendFile>>,
    /// Bytes sent in all.
    pub(super) total: u64,
}

impl Wire {
    pub(super) fn new(io: Io) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            output: Vec::new(),
            sent: 0,
            large: Bytes::new(),
            tail: b"",
            file: None,
            total: 0,
        }
    }

    /// Reads more; zero: the client has closed its side. `expected` is how much a body still needs, or zero.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>, expected: u64) -> Poll<io::Result<usize>> {
        let wanted = usize::try_from(expected).unwrap_or(MOST).clamp(ROOM, MOST);
        if self.input.capacity() - self.input.len() < wanted.min(ROOM) {
            if self.input.is_empty() && wanted <= ROOM {
                self.input = scratch::take_input();
            } else {
                self.input.reserve(wanted);
            }
        }
        let result = pin!(self.io.read_buf(&mut self.input)).poll(cx);
        self.rest();
        result
    }

    /// The same where there may well be nothing: it is asked for before there is memory for it.
    pub(super) fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() == 0 {
            ready!(self.io.poll_readable(cx))?;
        }
        self.poll_fill(cx, 0)
    }

    /// Gives memory back that holds nothing.
    pub(super) fn rest(&mut self) {
        if self.input.is_empty() && self.input.capacity() > 0 {
            scratch::keep_input(std::mem::take(&mut self.input));
        }
    }

    /// Moves a few bytes that have to wait out of a large block.
    pub(super) fn shrink(&mut self) {
        if self.input.capacity() > 2 * self.input.len() + SPARE {
            let few = BytesMut::from(&self.input[..]);
            let mut block = std::mem::replace(&mut self.input, few);
            block.clear();
            scratch::keep_input(block);
        }
    }

    /// Where small pieces are written to; only while [`Self::has_room`].
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.large.is_empty() && self.tail.is_empty(), "a piece would be sent before an earlier one");
        if self.output.capacity() == 0 {
            self.output = scratch::take_output();
        }
        &mut self.output
    }

    /// Sends a piece, and `tail` after it.
    pub(super) fn push(&mut self, mut piece: impl Buf, tail: &'static [u8]) {
        if piece.remaining() <= SMALL {
            let output = self.output();
            while piece.has_remaining() {
                let chunk = piece.chunk();
                output.extend_from_slice(chunk);
                let length = chunk.len();
                piece.advance(length);
            }
            output.extend_from_slice(tail);
        } else {
            self.large = piece.copy_to_bytes(piece.remaining());
            self.tail = tail;
        }
    }

    /// Sends a part of a file, after all that waits.
    pub(super) fn push_file(&mut self, file: SendFile) {
        self.file = Some(Box::new(file)).filter(|file| file.length > 0);
    }

    /// Whether more may be written.
    pub(super) fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.file.is_none() && self.output.len() - self.sent < MANY
    }

    /// Whether all is sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.is_written() && self.file.is_none()
    }

    fn is_written(&self) -> bool {
        self.output.is_empty() && self.large.is_empty() && self.tail.is_empty()
    }

    /// Sends what waits.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_written() {
            let io = Pin::new(&mut self.io);
            let count = if self.large.is_empty() && self.tail.is_empty() {
                ready!(io.poll_write(cx, &self.output[self.sent..]))?
            } else {
                let pieces = [&self.output[self.sent..], &self.large, self.tail].map(IoSlice::new);
                ready!(io.poll_write_vectored(cx, &pieces))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.total += count as u64;
            self.advance(count);
        }
        ready!(self.poll_send_file(cx))?;
        // Only now TLS has nothing left of its own.
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    fn poll_send_file(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(part) = &mut self.file {
            let count = usize::try_from(part.length).unwrap_or(MOST_OF_FILE).min(MOST_OF_FILE);
            let count = ready!(self.io.poll_send_file(cx, &part.file, part.offset, count))? as u64;
            if count == 0 {
                crate::log::error!("A file has become shorter while it was sent; its connection is closed");
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.total += count;
            part.offset += count;
            part.length -= count;
            if part.length == 0 {
                self.file = None;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut count: usize) {
        let first = count.min(self.output.len() - self.sent);
        self.sent += first;
        count -= first;
        if self.sent == self.output.len() {
            scratch::keep_output(std::mem::take(&mut self.output));
            self.sent = 0;
        }
        let second = count.min(self.large.len());
        self.large.advance(second);
        self.tail = &self.tail[count - second..];
    }

    /// Bytes that the client has taken, as far as its kernel tells.
    pub(super) fn taken(&self) -> u64 {
        self.total.saturating_sub(self.io.unsent_bytes() as u64)
    }

    /// How many bytes wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        // No file that long is among the answers that wait for one another.
        let file = self.file.as_ref().map_or(0, |file| usize::try_from(file.length).unwrap_or(usize::MAX / 2));
        self.output.len() - self.sent + self.large.len() + self.tail.len() + file
    }

    /// Forgets what waits beyond the first `begin` bytes of this connection: nobody will get it.
    pub(super) fn forget_beyond(&mut self, begin: u64) {
        self.large = Bytes::new();
        self.tail = b"";
        self.file = None;
        let kept = usize::try_from(begin.saturating_sub(self.total)).unwrap_or(usize::MAX);
        self.output.truncate(self.sent.saturating_add(kept));
        if self.output.len() == self.sent {
            scratch::keep_output(std::mem::take(&mut self.output));
            self.sent = 0;
        }
    }
}
