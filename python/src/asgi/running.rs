//! How many tasks of requests there are. `ending` waits for the last of them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use tokio::sync::Notify;

/// How many there are.
#[derive(Default)]
pub(super) struct Tasks {
    count: AtomicUsize,
    emptied: Notify,
}

/// One of them; it ends with this.
pub(super) struct Running(Arc<Tasks>);

impl Tasks {
    pub(super) fn enter(self: &Arc<Self>) -> Running {
        self.count.fetch_add(1, Relaxed);
        Running(self.clone())
    }

    /// Whether there is one only.
    pub(super) fn has_one(&self) -> bool {
        self.count.load(Relaxed) == 1
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Acquire)
    }

    /// Waits for the last of them.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.count.load(Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
