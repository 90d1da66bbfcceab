//! The tasks of connections. Tokio would look for events before and after it polls one of its own; these are polled by
//! the turn itself, which ends as soon as one of them has something for Python. And when Python has said the last word of
//! a response whose request came alone, its task is polled on the spot: the client need not wait for what the application
//! does afterwards.

use super::hub::Hub;
use rustcorn::worker::Task as Connection;
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// So many are polled before the system is asked for events again.
pub(super) const MANY: usize = 64;

thread_local! {
    /// This thread turns the loop. No other may poll: what a worker counts is counted by one thread.
    static IS_HOME: Cell<bool> = const { Cell::new(false) };
    /// It polls at this moment.
    static POLLS: Cell<bool> = const { Cell::new(false) };
}

/// This thread turns the loop from now on.
pub(super) fn come_home() {
    IS_HOME.set(true);
}

/// Whether tasks may be polled here and now.
pub(super) fn may_poll() -> bool {
    IS_HOME.get() && !POLLS.get()
}

pub(super) struct Task {
    /// Which has it too, until it is over.
    hub: Arc<Hub>,
    /// It waits in the hub to be polled.
    queued: AtomicBool,
    /// None: it is over.
    connection: Mutex<Option<Connection>>,
}

impl Task {
    pub(super) fn new(hub: Arc<Hub>, connection: Connection) -> Arc<Self> {
        Arc::new(Self { hub, queued: AtomicBool::new(false), connection: Mutex::new(Some(connection)) })
    }

    /// Polls it, inside of the runtime's context. True: it is over.
    pub(super) fn poll(self: &Arc<Self>) -> bool {
        // First: whatever happens from here on is a reason to look again.
        self.queued.store(false, Release);
        let Ok(mut place) = self.connection.try_lock() else { return false };
        let Some(connection) = place.as_mut() else { return true };
        let waker = Waker::from(self.clone());
        POLLS.set(true);
        // A panic has told of itself. What it leaves behind is dropped and never looked at again, as tokio does it.
        let poll = catch_unwind(AssertUnwindSafe(|| connection.as_mut().poll(&mut Context::from_waker(&waker))));
        let is_over = !matches!(poll, Ok(Poll::Pending));
        if is_over {
            let _ = catch_unwind(AssertUnwindSafe(|| *place = None));
        }
        POLLS.set(false);
        is_over
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, AcqRel) {
            self.hub.queue(self.clone());
        }
    }
}

/// Those that are not over: somebody has to keep them.
#[derive(Default)]
pub(super) struct Tasks(Mutex<HashMap<usize, Arc<Task>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Arc<Task>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, task: Arc<Task>) {
        self.lock().insert(Arc::as_ptr(&task).addr(), task);
    }

    pub(super) fn forget(&self, task: &Arc<Task>) {
        self.lock().remove(&Arc::as_ptr(task).addr());
    }

    /// Drops all of them, as a runtime does at its end.
    pub(super) fn end(&self) {
        let tasks = std::mem::take(&mut *self.lock());
        for task in tasks.into_values() {
            let connection = task.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(connection);
        }
    }
}
