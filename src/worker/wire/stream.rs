//! A socket of any kind, with or without TLS.

use crate::sys::accepting::unsent_bytes;
use crate::sys::sendfile;
use crate::worker::connection::Address;
use bytes::{Buf, Bytes};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

pub(in crate::worker) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<Early>>),
    /// It is somewhere else for the moment.
    Gone,
}

/// A socket of which some bytes were read before TLS began (a proxy's header came with them).
pub(in crate::worker) struct Early {
    ahead: Bytes,
    stream: Box<Stream>,
}

/// Runs `$body` with the stream inside, whichever it is; `$gone` if there is none.
macro_rules! with {
    ($stream:expr, $inner:ident => $body:expr, $gone:expr) => {
        match $stream {
            Stream::Tcp($inner) => $body,
            Stream::Unix($inner) => $body,
            Stream::Tls($inner) => $body,
            Stream::Gone => $gone,
        }
    };
}

fn gone<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl Stream {
    pub(in crate::worker) fn local(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(stream) => Address::Tcp(stream.local_addr()?),
            Self::Unix(stream) => Address::Unix(stream.local_addr()?.as_pathname().map(Into::into)),
            Self::Tls(stream) => stream.get_ref().0.stream.local()?,
            Self::Gone => return Err(io::ErrorKind::NotConnected.into()),
        })
    }

    pub(in crate::worker) fn fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
            Self::Tls(stream) => stream.get_ref().0.stream.fd(),
            Self::Gone => -1,
        }
    }

    /// Ready for TLS, after `ahead` was read.
    pub(in crate::worker) fn early(self, ahead: Bytes) -> Early {
        Early { ahead, stream: Box::new(self) }
    }

    /// How many bytes of what was written the other end's kernel has not taken yet.
    pub(in crate::worker) fn unsent_bytes(&self) -> usize {
        match self {
            Self::Tcp(stream) => unsent_bytes(stream),
            Self::Unix(stream) => unsent_bytes(stream),
            Self::Tls(stream) => stream.get_ref().0.stream.unsent_bytes(),
            Self::Gone => 0,
        }
    }

    /// Waits until there may be something to read; of TLS only reading tells.
    pub(in crate::worker) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
            Self::Tls(_) | Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Whether the kernel can send files here: nothing else is done with the bytes.
    pub(in crate::worker) fn sends_files(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Unix(_))
    }

    /// Has the kernel send a part of a file; zero: the file ends there.
    pub(in crate::worker) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        /// Sends once the socket takes something, and waits again if it does not after all.
        macro_rules! send {
            ($stream:expr) => {
                loop {
                    ready!($stream.poll_write_ready(cx))?;
                    match $stream.try_io(Interest::WRITABLE, || sendfile::send($stream, file, offset, count)) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        answer => return Poll::Ready(answer),
                    }
                }
            };
        }
        match self {
            Self::Tcp(stream) => send!(stream),
            Self::Unix(stream) => send!(stream),
            Self::Tls(_) | Self::Gone => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Closing it sends a reset. A Unix socket has none; there a missing rest goes unseen.
    pub(in crate::worker) fn reset_on_close(&self) {
        match self {
            Self::Tcp(stream) => drop(stream.set_zero_linger()),
            Self::Tls(stream) => stream.get_ref().0.stream.reset_on_close(),
            Self::Unix(_) | Self::Gone => {}
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with!(&mut *self, stream => Pin::new(stream).poll_read(cx, buf), gone())
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        with!(&mut *self, stream => Pin::new(stream).poll_write(cx, bytes), gone())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with!(&mut *self, stream => Pin::new(stream).poll_write_vectored(cx, slices), gone())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(&mut *self, stream => Pin::new(stream).poll_flush(cx), gone())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(&mut *self, stream => Pin::new(stream).poll_shutdown(cx), gone())
    }
}

impl AsyncRead for Early {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut *self.stream).poll_read(cx, buf);
        }
        take_ahead(&mut self.ahead, buf);
        Poll::Ready(Ok(()))
    }
}

/// Reads what was read before and not used.
pub(super) fn take_ahead(ahead: &mut Bytes, buf: &mut ReadBuf<'_>) {
    let count = buf.remaining().min(ahead.len());
    buf.put_slice(&ahead[..count]);
    ahead.advance(count);
    if ahead.is_empty() {
        // Even an empty piece keeps the block that it was cut from.
        *ahead = Bytes::new();
    }
}

impl AsyncWrite for Early {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
