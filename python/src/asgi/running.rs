//! The tasks of requests: a worker that leaves waits for those that go on after their responses, as work in the
//! background does.

use crate::report;
use rustcorn::worker::grace_left;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::time::Duration;
use tokio::sync::Notify;

/// What a worker that was told to hurry gives them: those whose connections were cut hear of it.
const QUICK: Duration = Duration::from_millis(100);
/// What is kept of the grace for the application's own last words (of a short rest, half).
const LAST_WORDS: Duration = Duration::from_secs(1);

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

    /// Waits for the last of them, within the worker's grace.
    pub(super) async fn finish(&self) {
        let patience = grace_left().map_or(QUICK, |left| left - LAST_WORDS.min(left / 2));
        if tokio::time::timeout(patience, self.emptied()).await.is_err() {
            let count = self.count.load(Acquire);
            report::error(&format!("{count} of the application's tasks still run when its worker leaves, and are cut"));
        }
    }

    async fn emptied(&self) {
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
