//! What either loop leaves for the other: jobs for Python, and wakers for tokio's tasks.

use pyo3::Python;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Something to be done by Python, in asyncio's next turn.
pub trait Job: Send + Sync {
    /// Does it. Never inside of tokio's `block_on`.
    fn run(self: Arc<Self>, py: Python<'_>);
}

/// The meeting place of one worker's two loops.
#[derive(Default)]
pub struct Hub {
    inner: Mutex<Inner>,
    /// Tokio's loop turns, perhaps in its sleep. Whoever wants something of it then is on its own thread inside of it, or
    /// on another.
    turning: AtomicBool,
}

#[derive(Default)]
struct Inner {
    jobs: Vec<Arc<dyn Job>>,
    wakers: Vec<Waker>,
    /// Wakes the turn itself.
    main: Option<Waker>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a job for Python. The turn ends soon, so that it is done.
    pub fn push(&self, job: Arc<dyn Job>) {
        let mut inner = self.lock();
        inner.jobs.push(job);
        if inner.jobs.len() == 1
            && self.turning.load(Acquire)
            && let Some(main) = &inner.main
        {
            main.wake_by_ref();
        }
    }

    /// Wakes a task of tokio's when that loop has its turn: from inside, it costs no system call.
    pub fn wake(&self, waker: Waker) {
        if self.turning.load(Acquire) {
            // Another thread; the loop may be asleep.
            waker.wake();
            return;
        }
        let mut inner = self.lock();
        if self.turning.load(Acquire) {
            // It has begun just now, and may have looked here already.
            drop(inner);
            waker.wake();
        } else {
            inner.wakers.push(waker);
        }
    }

    /// A turn begins. From here on it has to be woken for whatever is left here.
    pub(super) fn begin_turn(&self) {
        self.turning.store(true, Release);
    }

    pub(super) fn end_turn(&self) {
        self.turning.store(false, Release);
    }

    /// Inside of the turn: wakes whoever was to be woken.
    pub(super) fn wake_all(&self, main: &Waker) {
        let mut inner = self.lock();
        if !inner.main.as_ref().is_some_and(|known| known.will_wake(main)) {
            inner.main = Some(main.clone());
        }
        if inner.wakers.is_empty() {
            return;
        }
        let mut wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        wakers.drain(..).for_each(Waker::wake);
        let mut inner = self.lock();
        if inner.wakers.is_empty() {
            // Its memory is good for the next time.
            inner.wakers = wakers;
        }
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.lock().jobs.is_empty()
    }

    /// Does what was left for Python.
    pub(super) fn work(&self, py: Python<'_>) {
        let mut jobs = std::mem::take(&mut self.lock().jobs);
        jobs.drain(..).for_each(|job| job.run(py));
        let mut inner = self.lock();
        if inner.jobs.is_empty() {
            inner.jobs = jobs;
        }
    }
}
