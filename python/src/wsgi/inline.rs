//! One thread for everything: the event loop collects requests, and between its turns the application is called.
//!
//! The application runs outside of the runtime's `block_on`, so extensions that have a runtime of their own may enter
//! it. While it runs, nothing turns and no connection is taken; while it waits for its client, other connections are
//! read, and their requests wait.

use super::call::Caller;
use super::handlers::Handlers;
use super::queue::{Job, Queue};
use super::wait;
use pyo3::prelude::*;
use rustcorn::worker::{Life, Pause};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
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
    /// Something was left for the engine.
    left: Cell<bool>,
    /// Its tasks that wait for that.
    woken: RefCell<Vec<Waker>>,
    pause: &'static Pause,
    handlers: Handlers,
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
pub(super) fn run(
    caller: &Caller,
    runtime: &Runtime,
    life: Life,
    queue: &Queue,
    pause: &'static Pause,
    handlers: Handlers,
) -> i32 {
    let turner = Rc::new(Turner {
        runtime: NonNull::from(runtime),
        life: RefCell::new(life),
        code: Cell::new(None),
        left: Cell::new(false),
        woken: RefCell::default(),
        pause,
        handlers,
    });
    wait::turn_here(Some(turner.clone()));
    let code = Python::attach(|py| {
        let mut jobs = VecDeque::new();
        loop {
            if turner.collect(py, queue, &mut jobs) {
                Handlers::call(py);
            }
            if let Some(code) = turner.code.get() {
                return code;
            }
            // Of one alone nobody asks how long it takes.
            let turned = (jobs.len() > 1).then(Instant::now);
            while let Some(job) = jobs.pop_front() {
                caller.call(py, job);
                if !jobs.is_empty() && turned.is_some_and(|turned| turned.elapsed() > PATIENCE) {
                    break;
                }
            }
        }
    });
    wait::turn_here(None);
    code
}

/// Turns the loop for as long as `life` lasts, while other threads call the application.
pub(super) fn run_beside(runtime: &Runtime, mut life: Life, handlers: &Handlers) -> i32 {
    Python::attach(|py| {
        loop {
            let here = Here((&mut life, handlers));
            let code = py.detach(move || {
                let (life, handlers) = here.take();
                runtime.block_on(poll_fn(|cx| match life.as_mut().poll(cx) {
                    Poll::Ready(code) => Poll::Ready(Some(code)),
                    Poll::Pending if handlers.are_due(cx) => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }))
            });
            match code {
                Some(code) => return code,
                None => Handlers::call(py),
            }
        }
    })
}

impl Turner {
    pub(super) fn keep(&self, waker: Option<Waker>) {
        self.left.set(true);
        self.woken.borrow_mut().extend(waker);
    }

    pub(super) fn keeps_something(&self) -> bool {
        self.left.get()
    }

    /// Sends what is to be sent, and waits for requests if `jobs` has none. True: handlers of signals are to be called.
    fn collect(&self, py: Python<'_>, queue: &Queue, jobs: &mut VecDeque<Job>) -> bool {
        let here = Here((self, jobs));
        py.detach(move || {
            let (this, jobs) = here.take();
            let mut has_turned = false;
            let mut are_due = false;
            this.block_on(poll_fn(|cx| {
                let sent = this.attend(cx);
                are_due |= this.handlers.are_due(cx);
                if this.code.get().is_some() {
                    return Poll::Ready(());
                }
                if queue.poll_take(jobs, cx).is_pending() && jobs.is_empty() && !are_due {
                    return Poll::Pending;
                }
                if sent && !std::mem::replace(&mut has_turned, true) {
                    // What is answered is sent before the application is called again.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
            are_due
        })
    }

    /// Waits for something in the middle of a request.
    ///
    /// # Errors
    /// What a handler of signals raises meanwhile: it interrupts the application.
    pub(super) fn wait<F>(&self, py: Python<'_>, future: F) -> PyResult<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let mut future = pin!(future);
        loop {
            self.pause.begin();
            let here = Here((self, future.as_mut()));
            let output = py.detach(move || {
                let (this, mut future) = here.take();
                this.block_on(poll_fn(|cx| {
                    this.attend(cx);
                    match future.as_mut().poll(cx) {
                        Poll::Pending if this.handlers.are_due(cx) => Poll::Ready(None),
                        poll => poll.map(Some),
                    }
                }))
            });
            self.pause.end();
            match output {
                Some(output) => return Ok(output),
                None => py.check_signals()?,
            }
        }
    }

    /// What each turn begins with. Returns whether something was handed to the engine.
    fn attend(&self, cx: &mut Context<'_>) -> bool {
        let sent = self.left.replace(false);
        if sent {
            // Taken: whoever is woken may leave something himself.
            let mut woken = self.woken.take();
            woken.drain(..).for_each(Waker::wake);
            let mut since = self.woken.borrow_mut();
            if since.is_empty() {
                *since = woken;
            }
        }
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
