//! The bytes of a connection: counted, and closed in a way that loses no response.
//!
//! A socket that is closed while bytes from the client lie unread makes the kernel send a reset, and a reset may
//! destroy the response on its way. So where that can be (a request body that nobody read, a drained connection, a
//! refused request) the write side is shut first, and what the client still sends is read and thrown away until it
//! closes its side, or for a short while at most. An ordinary connection does not pay for it.

use super::stream::{Early, Stream, take_ahead};
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::registry::Ticket;
use crate::worker::state::Moment;
use bytes::Bytes;
use std::fs::File;
use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long the worker waits for a client that sends nothing more to close its side.
const LINGER_QUIET: Duration = Duration::from_secs(5);
/// How long it reads what a client still sends.
const LINGER: Duration = Duration::from_secs(30);

/// Writes of up to so many bytes are made in one piece.
const SMALL: usize = 512;

/// A connection's socket. It counts as open until this is dropped, wherever it may have gone (an upgraded connection
/// belongs to the application).
pub(in crate::worker) struct Io {
    stream: Stream,
    worker: &'static Worker,
    connection: Connection,
    ticket: Ticket,
    /// Read before, and not used.
    ahead: Bytes,
    farewell: Option<Box<Farewell>>,
    /// How long TLS has to say goodbye.
    closing: Option<Pin<Box<Sleep>>>,
    client_left: bool,
}

/// The time that a client has to close its side.
struct Farewell {
    until: Instant,
    quiet: Pin<Box<Sleep>>,
}

impl Farewell {
    fn new() -> Self {
        let now = Instant::now();
        Self { until: now + LINGER, quiet: Box::pin(tokio::time::sleep_until(now + LINGER_QUIET)) }
    }

    /// The client has sent something.
    fn heard(&mut self) {
        let then = self.until.min(Instant::now() + LINGER_QUIET);
        self.quiet.as_mut().reset(then);
    }
}

impl Io {
    pub(in crate::worker) fn new(stream: Stream, worker: &'static Worker, connection: Connection) -> Self {
        let ticket = worker.registry.enter(connection.clone());
        Self {
            stream,
            worker,
            connection,
            ticket,
            ahead: Bytes::new(),
            farewell: None,
            closing: None,
            client_left: false,
        }
    }

    /// What was read and not used: it is read again, before anything else.
    pub(in crate::worker) fn put_back<const N: usize>(&mut self, pieces: [Bytes; N]) {
        let mut pieces: Vec<Bytes> = pieces.into_iter().chain([std::mem::take(&mut self.ahead)]).collect();
        pieces.retain(|piece| !piece.is_empty());
        self.ahead = match pieces.len() {
            1 => pieces.remove(0),
            _ => pieces.concat().into(),
        };
    }

    /// How many bytes of what was written the client's kernel has not taken yet.
    pub(in crate::worker) fn unsent_bytes(&self) -> usize {
        self.stream.unsent_bytes()
    }

    /// Waits until there may be something to read.
    pub(in crate::worker) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() { self.stream.poll_readable(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Whether files can be sent by the kernel.
    pub(in crate::worker) fn sends_files(&self) -> bool {
        self.stream.sends_files()
    }

    /// Has the kernel send a part of a file; zero: the file ends there.
    pub(in crate::worker) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        self.wrote(self.stream.poll_send_file(cx, file, offset, count))
    }

    /// The client shall see that the connection did not end in order.
    pub(in crate::worker) fn reset_on_close(&mut self) {
        self.stream.reset_on_close();
    }

    /// The socket itself, for a handshake, with what was read and not used. [`Self::set_stream`] ends that.
    pub(in crate::worker) fn take_stream(&mut self) -> Early {
        let stream = std::mem::replace(&mut self.stream, Stream::Gone);
        stream.early(std::mem::take(&mut self.ahead))
    }

    pub(in crate::worker) fn set_stream(&mut self, stream: Stream) {
        self.stream = stream;
    }

    fn wrote(&self, answer: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &answer {
            self.worker.writer.sent(*count);
        }
        answer
    }

    /// Shuts the write side. TLS says so to its client, which may never take that: there is a limit to it.
    fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_shutdown(cx) {
            return Poll::Ready(result);
        }
        let closing = self.closing.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER_QUIET)));
        ready!(closing.as_mut().poll(cx));
        // Or else the kernel would keep what was sent for long.
        self.stream.reset_on_close();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and throws away until the client closes its side; `Ready` means that there is no more to wait for.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waste = [0; 8192];
        loop {
            // Looked at before each read: a client that sends without a pause is not waited for beyond the limit.
            let farewell = self.farewell.get_or_insert_with(|| Box::new(Farewell::new()));
            if farewell.quiet.as_mut().poll(cx).is_ready() || Instant::now() >= farewell.until {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.worker.writer.received(buffer.filled().len());
                    farewell.heard();
                }
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

/// Copies all slices into `space`, if they fit.
fn gather<'a>(slices: &[io::IoSlice<'_>], space: &'a mut [MaybeUninit<u8>]) -> Option<ReadBuf<'a>> {
    if slices.iter().map(|slice| slice.len()).sum::<usize>() > space.len() {
        return None;
    }
    let mut together = ReadBuf::uninit(space);
    slices.iter().for_each(|slice| together.put_slice(slice));
    Some(together)
}

impl Drop for Io {
    fn drop(&mut self) {
        self.worker.registry.leave(self.ticket);
        self.worker.writer.connection_closed();
        self.worker.room.notify_one();
    }
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            take_ahead(&mut self.ahead, buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        if count > 0 {
            self.worker.writer.received(count);
        } else if buf.remaining() > 0 {
            self.client_left = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(answer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Head and body of a small response: copying them together is cheaper than the kernel's walk over two pieces.
        let mut space = [MaybeUninit::uninit(); SMALL];
        let answer = match gather(slices, &mut space) {
            Some(together) => Pin::new(&mut self.stream).poll_write(cx, together.filled()),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        };
        self.wrote(answer)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An upgraded connection may be closed by half and go on: that is for its application to know.
        if self.connection.state().moment() != Moment::Upgraded {
            self.connection.state().parts();
        }
        if self.farewell.is_none() {
            ready!(self.poll_shut(cx))?;
            if self.client_left || !self.connection.state().lingers() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_farewell(cx).map(Ok)
    }
}
