//! One thread for everything: the event loop collects requests, and between its turns the application is called.
//!
//! The application runs outside of the runtime's `block_on`, so extensions that have a runtime of their own may enter
//! it. While it runs, nothing turns and no connection is taken; while it waits for its client, other connections are
//! read, and their requests wait.

use super::call::Caller;
use super::queue::{Job, Queue};
use super::wait::{self, Parcel};
use pyo3::prelude::*;
use rustcorn::worker::{Life, Pause};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// So long answers may wait for those that come after them, before the loop turns and sends them.
const PATIENCE: Duration = Duration::from_millis(1);

/// The event loop, as the thread that turns it has it.
pub(super) struct Turner {
    runtime: NonNull<Runtime>,
    life: RefCell<Life>,
    /// What became of the life.
    code: Cell<Option<i32>>,
    outbox: RefCell<Vec<Parcel>>,
    pause: &'static Pause,
}

/// Something that stays on its thread.
struct Here<T>(T);

// SAFETY: `Python::detach` runs its closure on the thread that calls it. It asks for `Send` only to keep what belongs to
// the interpreter out of the closure, and nothing here does.
unsafe impl<T> Send for Here<T> {}

impl<T> Here<T> {
    /// A method, so that a closure takes the whole and not its part.
    fn take(self) -> T {
        self.0
    }
}

/// Serves with `caller` until `life` is over.
pub(super) fn run(caller: &Caller, runtime: &Runtime, life: Life, queue: &Queue, pause: &'static Pause) -> i32 {
    let turner = Rc::new(Turner {
        runtime: NonNull::from(runtime),
        life: RefCell::new(life),
        code: Cell::new(None),
        outbox: RefCell::default(),
        pause,
    });
    wait::turn_here(Some(turner.clone()));
    let code = Python::attach(|py| {
        let mut jobs = VecDeque::new();
        loop {
            turner.collect(py, queue, &mut jobs);
            if let Some(code) = turner.code.get() {
                return code;
            }
            let turned = Instant::now();
            while let Some(job) = jobs.pop_front() {
                caller.call(py, job);
                if turned.elapsed() > PATIENCE {
                    break;
                }
            }
        }
    });
    wait::turn_here(None);
    code
}

/// Turns the loop for as long as `life` lasts, while other threads call the application.
pub(super) fn run_beside(runtime: &Runtime, life: Life) -> i32 {
    let here = Here(life);
    Python::attach(|py| py.detach(move || runtime.block_on(here.take())))
}

impl Turner {
    pub(super) fn keep(&self, parcel: Parcel) {
        self.outbox.borrow_mut().push(parcel);
    }

    pub(super) fn keeps_something(&self) -> bool {
        !self.outbox.borrow().is_empty()
    }

    /// Sends what is to be sent, and waits for requests if `jobs` has none.
    fn collect(&self, py: Python<'_>, queue: &Queue, jobs: &mut VecDeque<Job>) {
        let here = Here((self, jobs));
        py.detach(move || {
            let (this, jobs) = here.take();
            let mut has_turned = false;
            this.block_on(poll_fn(|cx| {
                let sent = this.attend(cx);
                if this.code.get().is_some() {
                    return Poll::Ready(());
                }
                if queue.poll_take(jobs, cx).is_pending() && jobs.is_empty() {
                    return Poll::Pending;
                }
                if sent && !std::mem::replace(&mut has_turned, true) {
                    // What is answered is sent before the application is called again.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
        });
    }

    /// Waits for something in the middle of a request.
    pub(super) fn wait<F>(&self, py: Python<'_>, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        self.pause.begin();
        let here = Here((self, future));
        let output = py.detach(move || {
            let (this, future) = here.take();
            let mut future = pin!(future);
            this.block_on(poll_fn(|cx| {
                this.attend(cx);
                future.as_mut().poll(cx)
            }))
        });
        self.pause.end();
        output
    }

    /// What each turn begins with. Returns whether something was handed to the engine.
    fn attend(&self, cx: &mut Context<'_>) -> bool {
        let parcels = self.outbox.take();
        let sent = !parcels.is_empty();
        parcels.into_iter().for_each(Parcel::deliver);
        if self.code.get().is_none()
            && let Poll::Ready(code) = self.life.borrow_mut().as_mut().poll(cx)
        {
            self.code.set(Some(code));
        }
        sent
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        // SAFETY: `run` has borrowed the runtime for longer than it lets anybody have this turner.
        unsafe { self.runtime.as_ref() }.block_on(future)
    }
}
