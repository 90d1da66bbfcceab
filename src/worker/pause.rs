//! Not taking connections for a while: the host's word to the acceptor.
//!
//! A host that calls its application on the thread of the event loop takes no connection meanwhile, since nothing turns.
//! If it turns the loop in the middle of a request (to read a body, to send a piece), it says so here first: what
//! comes now is better taken by a worker that can answer it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::Notify;

/// Whether the worker takes connections at the moment.
#[derive(Debug, Default)]
pub struct Pause {
    on: AtomicBool,
    over: Notify,
}

impl Pause {
    /// No connection is taken from now on.
    pub fn begin(&self) {
        self.on.store(true, Relaxed);
    }

    /// Connections are taken again.
    pub fn end(&self) {
        self.on.store(false, Relaxed);
        self.over.notify_one();
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Waits until connections may be taken. There is one who waits: the acceptor.
    pub(super) async fn over(&self) {
        while self.is_on() {
            self.over.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn it_is_waited_for() {
        let pause = Pause::default();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(pause.over()).poll(&mut cx).is_ready());
        pause.begin();
        let mut over = pin!(pause.over());
        assert!(over.as_mut().poll(&mut cx).is_pending());
        pause.end();
        assert!(over.poll(&mut cx).is_ready());
    }
}
