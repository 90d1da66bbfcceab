//! Something to ring from anywhere, which tokio's driver hears.
#![allow(unsafe_code)]

use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Rings it.
#[derive(Clone)]
pub(super) struct Ringer(Arc<EventFd>);

/// Hears it.
pub(super) struct Bell(AsyncFd<Ringer>);

impl AsRawFd for Ringer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Ringer {
    pub(super) fn ring(&self) {
        // It fails only if it was rung 2^64 times: nobody takes them off, since the driver hears each anew.
        let _ = self.0.write(1);
    }
}

impl Bell {
    /// Inside of the runtime's context.
    pub(super) fn new() -> io::Result<Self> {
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        // SAFETY: what it owns is open for as long as it is there, and is never changed.
        let bell = unsafe { AsyncFd::register_with_interest(Ringer(Arc::new(event)), Interest::READABLE) };
        Ok(Self(bell.map_err(|error| error.into_parts().1)?))
    }

    pub(super) fn ringer(&self) -> &Ringer {
        self.0.get_ref()
    }

    /// Whether the driver has heard it since it was asked; it wakes for the next time.
    pub(super) fn was_heard(&self, cx: &mut Context<'_>) -> bool {
        let mut was_heard = false;
        while let Poll::Ready(Ok(mut guard)) = self.0.poll_read_ready(cx) {
            guard.clear_ready();
            was_heard = true;
        }
        was_heard
    }
}
