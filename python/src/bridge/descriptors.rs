//! The descriptors that asyncio watches: an epoll of their own, level-triggered as asyncio expects it, which tokio's
//! watches as one. As long as nothing happens there, it costs no system call.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Python's `selectors.EVENT_READ`.
const READ: u32 = 1;
/// Python's `selectors.EVENT_WRITE`.
const WRITE: u32 = 2;
/// So many at a time; the rest comes in the next turn.
const MANY: usize = 256;

pub(super) struct Descriptors {
    epoll: AsyncFd<Inner>,
    space: Box<[EpollEvent; MANY]>,
}

struct Inner(Epoll);

impl AsRawFd for Inner {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl Descriptors {
    /// Inside of the runtime's context.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        // SAFETY: what it owns is open for as long as it is there, and is never changed.
        let epoll = unsafe { AsyncFd::register_with_interest(Inner(epoll), Interest::READABLE) };
        let epoll = epoll.map_err(|error| error.into_parts().1)?;
        Ok(Self { epoll, space: Box::new([EpollEvent::empty(); MANY]) })
    }

    fn epoll(&self) -> &Epoll {
        &self.epoll.get_ref().0
    }

    pub(super) fn add(&self, fd: BorrowedFd<'_>, events: u32) -> io::Result<()> {
        Ok(self.epoll().add(fd, event(fd, events))?)
    }

    pub(super) fn modify(&self, fd: BorrowedFd<'_>, events: u32) -> io::Result<()> {
        Ok(self.epoll().modify(fd, &mut event(fd, events))?)
    }

    /// One that was closed before is gone already.
    pub(super) fn remove(&self, fd: BorrowedFd<'_>) {
        let _ = self.epoll().delete(fd);
    }

    /// What is ready, as descriptor and events.
    pub(super) fn poll(&mut self, ready: &mut Vec<(RawFd, u32)>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Poll::Ready(guard) = self.epoll.poll_read_ready(cx) else { return Poll::Pending };
            let mut guard = guard?;
            let count = match self.epoll.get_ref().0.wait(&mut self.space[..], EpollTimeout::ZERO) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => return Poll::Ready(Err(error.into())),
            };
            if count > 0 {
                ready.extend(self.space[..count].iter().map(happened));
                return Poll::Ready(Ok(()));
            }
            guard.clear_ready();
        }
    }
}

fn event(fd: BorrowedFd<'_>, events: u32) -> EpollEvent {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, events & READ != 0);
    flags.set(EpollFlags::EPOLLOUT, events & WRITE != 0);
    EpollEvent::new(flags, u64::from(fd.as_raw_fd().cast_unsigned()))
}

/// As Python's own `EpollSelector` reads it: an error or a hang-up is for readers and for writers.
fn happened(event: &EpollEvent) -> (RawFd, u32) {
    let flags = event.events();
    let mut events = 0;
    if flags.intersects(!EpollFlags::EPOLLIN) {
        events |= WRITE;
    }
    if flags.intersects(!EpollFlags::EPOLLOUT) {
        events |= READ;
    }
    // It was a descriptor's number when it was put there.
    let fd = u32::try_from(event.data()).unwrap_or(u32::MAX).cast_signed();
    (fd, events)
}
