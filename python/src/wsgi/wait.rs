//! How Python waits for what the event loop does.
//!
//! On the thread of the event loop (`inline`) waiting means turning the loop, and tasks of
//! the engine are woken then, from inside. Every other thread just blocks.

use super::inline::Turner;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

thread_local! {
    static TURNER: RefCell<Option<Rc<Turner>>> = const { RefCell::new(None) };
}

/// The event loop runs on the thread that calls the application.
static INLINE: AtomicBool = AtomicBool::new(false);

/// This thread turns the event loop from now on.
pub(super) fn turn_here(turner: Option<Rc<Turner>>) {
    INLINE.store(turner.is_some(), Relaxed);
    TURNER.with(|slot| *slot.borrow_mut() = turner);
}

fn turner() -> Option<Rc<Turner>> {
    TURNER.with_borrow(Clone::clone)
}

/// Wakes a task of the engine's, for which something was left: at once, or with the next turn. None: it is awake.
pub(super) fn wake(waker: Option<Waker>) {
    TURNER.with_borrow(|turner| match (turner, waker) {
        (Some(turner), waker) => turner.keep(waker),
        (None, Some(waker)) => waker.wake(),
        (None, None) => {}
    });
}

/// Waits for `future`, without the interpreter's lock.
///
/// # Errors
///
/// A thread of the application's own waits for what only the worker's thread could bring about. Or a handler of signals
/// raises something.
pub(super) fn wait<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    match turner() {
        Some(turner) => turner.wait(py, future),
        None if INLINE.load(Relaxed) => Err(PyRuntimeError::new_err(
            "with one thread, a request is read and answered on the thread that the application was called on",
        )),
        None => Ok(py.detach(|| block_on(future))),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::park();
    }
}

/// Lets what was handed over be sent.
pub(super) fn flush(py: Python<'_>) -> PyResult<()> {
    if turner().is_some_and(|turner| turner.keeps_something()) { turn(py) } else { Ok(()) }
}

/// Turns the event loop once, if that is for this thread to do: whatever is ready there has its turn.
pub(super) fn turn(py: Python<'_>) -> PyResult<()> {
    if turner().is_none() {
        // It has a thread of its own.
        return Ok(());
    }
    let mut has_turned = false;
    wait(
        py,
        std::future::poll_fn(move |cx| {
            if std::mem::replace(&mut has_turned, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    )
}
