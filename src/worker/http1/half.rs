//! A client that has shut its sending side while its request is in work.
//!
//! Some do so to say that there will be no more requests, and wait for the answer; most have left. TCP has the same word
//! for both, and only what is sent tells them apart: the kernel of one that has left answers with a reset. So an interim
//! response is sent, which whoever is still there ignores (RFC 9110, 15.2), though not at once: most answers come before,
//! and the simplest of clients do not know of interim responses. Where there can be none (HTTP/1.0, or a response that has
//! begun) a client that shuts its side is taken for gone. A Unix socket tells by itself.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// When it is looked after the client first, and how seldom at last.
const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(1);

pub(super) struct HalfClosed {
    look: Pin<Box<Sleep>>,
    pause: Duration,
    probed: bool,
}

impl Default for HalfClosed {
    fn default() -> Self {
        Self { look: Box::pin(tokio::time::sleep(FIRST)), pause: FIRST, probed: false }
    }
}

impl HalfClosed {
    /// Waits until it is time to look after the client.
    pub(super) fn poll_next_look(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.look.as_mut().poll(cx));
        self.look.as_mut().reset(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST);
        Poll::Ready(())
    }

    /// Whether the client has to be sent something now, to see whether it is there: once.
    pub(super) fn probes(&mut self) -> bool {
        !std::mem::replace(&mut self.probed, true)
    }
}
