//! A connection that may become the application's own: its bytes go through here, so that a worker that leaves can close
//! a WebSocket in order, without the application's help.
//!
//! The application has one end ([`Line`], inside what hyper gives it), the connection's task keeps the other ([`Keeper`]).
//! When the worker leaves, the keeper sends a close frame between two frames of the application; what the application
//! still writes is swallowed, and what it reads is the client's answer, by which its own loop ends. The lock is held for
//! one system call at most and is hardly ever awaited: both ends are used in turn.

use super::frames::Frames;
use crate::worker::wire::Io;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A close frame with the status 1012, service restart: the client may come back at once. A worker cannot tell a reload
/// from a stop; the arbiter ends it by the same signal.
const CLOSE: [u8; 4] = [0x88, 2, 0x03, 0xf4];

/// What an application may write after that without hearing that nobody listens. One that only writes would go on for
/// ever, as fast as it can.
const SWALLOWED: usize = 1 << 20;

struct Shared(Mutex<Inner>);

struct Inner {
    /// None: it was cut.
    io: Option<Io>,
    /// None: these are no WebSocket frames.
    frames: Option<Frames>,
    phase: Phase,
    /// Bytes that the application has written after the close frame.
    swallowed: usize,
    /// The application has let go of its end.
    is_left: bool,
    keeper: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The application's.
    Open,
    /// A close frame goes out at the next boundary.
    Wanted,
    /// So many of its bytes were sent.
    Closing(usize),
}

/// The end of hyper and the application.
pub(super) struct Line(Arc<Shared>);

/// The end of the connection's task.
pub(in crate::worker) struct Keeper(Arc<Shared>);

/// Tells that the response that comes next makes the connection a WebSocket.
#[derive(Clone)]
pub(super) struct Tracker(Arc<Shared>);

pub(super) fn line(io: Io) -> (Line, Keeper, Tracker) {
    let inner = Inner {
        io: Some(io),
        frames: None,
        phase: Phase::Open,
        swallowed: 0,
        is_left: false,
        keeper: None,
        reader: None,
        writer: None,
    };
    let shared = Arc::new(Shared(Mutex::new(inner)));
    (Line(shared.clone()), Keeper(shared.clone()), Tracker(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the worker has ended the connection")
}

fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}

impl Tracker {
    pub(super) fn begin(&self) {
        self.0.lock().frames = Some(Frames::new());
    }
}

impl Inner {
    /// Sends the close frame now if that can be; what the application waits to write need not wait any longer.
    fn close_between(&mut self) {
        let is_between = self.frames.is_some_and(|frames| frames.is_between() && !frames.closes());
        if self.phase == Phase::Wanted && is_between {
            self.phase = Phase::Closing(0);
            for waker in [self.keeper.as_ref(), self.writer.take().as_ref()].into_iter().flatten() {
                waker.wake_by_ref();
            }
        }
    }

    fn swallow(&mut self, bytes: usize) -> io::Result<usize> {
        self.swallowed = self.swallowed.saturating_add(bytes);
        if self.swallowed > SWALLOWED { Err(gone()) } else { Ok(bytes) }
    }

    /// Writes what is left of the close frame.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let (Phase::Closing(sent), Some(io)) = (self.phase, self.io.as_mut()) {
            if sent == CLOSE.len() {
                return Pin::new(io).poll_flush(cx).map(drop);
            }
            match ready!(Pin::new(io).poll_write(cx, &CLOSE[sent..])) {
                Ok(count) if count > 0 => self.phase = Phase::Closing(sent + count),
                // There is nobody left to tell.
                Ok(_) | Err(_) => self.phase = Phase::Closing(CLOSE.len()),
            }
        }
        Poll::Ready(())
    }
}

impl Keeper {
    /// Whether the application holds the other end.
    pub(super) fn is_held(&self) -> bool {
        !self.0.lock().is_left
    }

    /// Watches the line until the application has let go of it, and closes a WebSocket once the worker leaves.
    pub(in crate::worker) fn poll(&self, is_leaving: bool, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        remember(&mut inner.keeper, cx);
        if is_leaving && inner.phase == Phase::Open && inner.frames.is_some() {
            inner.phase = Phase::Wanted;
            inner.close_between();
        }
        let closed = inner.poll_close(cx);
        if inner.is_left { closed } else { Poll::Pending }
    }

    /// Ends the connection, whatever the application does. A WebSocket client is told, if the moment allows it.
    pub(in crate::worker) fn cut(&self) {
        let mut inner = self.0.lock();
        if inner.phase == Phase::Open && inner.frames.is_some() {
            inner.phase = Phase::Wanted;
            inner.close_between();
        }
        let _at_once = inner.poll_close(&mut Context::from_waker(Waker::noop()));
        let io = inner.io.take();
        let wakers = [inner.reader.take(), inner.writer.take()];
        drop(inner);
        drop(io);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.is_left = true;
        let keeper = inner.keeper.take();
        drop(inner);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.lock();
        let Some(io) = inner.io.as_mut() else { return Poll::Ready(Err(gone())) };
        let poll = Pin::new(io).poll_read(cx, buf);
        if poll.is_pending() {
            remember(&mut inner.reader, cx);
        }
        poll
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.0.lock();
        inner.close_between();
        let here = match (inner.phase, inner.frames) {
            (Phase::Closing(_), _) => return Poll::Ready(inner.swallow(bytes.len())),
            (Phase::Wanted, Some(frames)) if !frames.closes() => frames.until_between(bytes),
            _ => bytes.len(),
        };
        let Some(io) = inner.io.as_mut() else { return Poll::Ready(Err(gone())) };
        match Pin::new(io).poll_write(cx, &bytes[..here]) {
            Poll::Ready(Ok(count)) => {
                if let Some(frames) = inner.frames.as_mut() {
                    frames.advance(&bytes[..count]);
                }
                inner.close_between();
                Poll::Ready(Ok(count))
            }
            Poll::Pending => {
                remember(&mut inner.writer, cx);
                Poll::Pending
            }
            failed => failed,
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.0.lock();
        if inner.phase != Phase::Open {
            drop(inner);
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return self.poll_write(cx, first);
        }
        let Some(io) = inner.io.as_mut() else { return Poll::Ready(Err(gone())) };
        let poll = Pin::new(io).poll_write_vectored(cx, slices);
        match &poll {
            Poll::Ready(Ok(count)) => {
                let mut left = *count;
                for slice in slices {
                    let sent = left.min(slice.len());
                    left -= sent;
                    if let Some(frames) = inner.frames.as_mut() {
                        frames.advance(&slice[..sent]);
                    }
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => remember(&mut inner.writer, cx),
        }
        poll
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.lock();
        if matches!(inner.phase, Phase::Closing(_)) {
            return Poll::Ready(Ok(()));
        }
        let Some(io) = inner.io.as_mut() else { return Poll::Ready(Err(gone())) };
        let poll = Pin::new(io).poll_flush(cx);
        if poll.is_pending() {
            remember(&mut inner.writer, cx);
        }
        poll
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.lock();
        ready!(inner.poll_close(cx));
        let Some(io) = inner.io.as_mut() else { return Poll::Ready(Ok(())) };
        Pin::new(io).poll_shutdown(cx)
    }
}
