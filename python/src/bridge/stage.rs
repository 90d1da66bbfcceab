//! Where a worker's two loops are turned: the runtime as long as it may be, and the worker's life.
#![allow(unsafe_code)]

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rustcorn::worker::Life;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::Runtime;

/// What the loops of one thread share, whichever of them is inside of the other.
#[derive(Default)]
pub(super) struct Stage {
    /// There only while [`with_runtime`](Self::with_runtime) lends it.
    runtime: Cell<Option<NonNull<Runtime>>>,
    /// Outside of a worker there is one of its own, which that points to.
    _own: Option<Box<Runtime>>,
    life: RefCell<Option<(Life, Arc<Wish>)>>,
    /// What the life has returned.
    code: Cell<Option<i32>>,
    /// What ends Python's loop, once the worker's life is over.
    stop: RefCell<Option<Py<PyAny>>>,
}

/// Whether the worker's life wants to be looked at. The turn's own waker is for everything.
struct Wish {
    wanted: AtomicBool,
    main: Waker,
}

impl Wish {
    fn new(main: Waker) -> Arc<Self> {
        Arc::new(Self { wanted: AtomicBool::new(true), main })
    }
}

impl Wake for Wish {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wanted.store(true, Release);
        self.main.wake_by_ref();
    }
}

/// Says that something may be used on another thread, where the compiler cannot know that it never is.
struct SameThread<T>(T);

// SAFETY: `Stage::detached` makes it and uses it in a closure that `Python::detach` calls on the thread that it is on.
unsafe impl<T> Send for SameThread<T> {}

impl<T> SameThread<T> {
    fn get(self) -> T {
        self.0
    }
}

impl Stage {
    /// Turns this runtime whenever it is to.
    pub(super) fn of_its_own(runtime: Runtime) -> Self {
        let own = Box::new(runtime);
        Self { runtime: Cell::new(Some(NonNull::from(&*own))), _own: Some(own), ..Self::default() }
    }

    /// Runs Python code that may turn the loop.
    pub(super) fn with_runtime<T>(&self, runtime: &Runtime, run: impl FnOnce() -> T) -> T {
        struct Back<'a>(&'a Cell<Option<NonNull<Runtime>>>, Option<NonNull<Runtime>>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let _back = Back(&self.runtime, self.runtime.replace(Some(NonNull::from(runtime))));
        run()
    }

    /// Uses the runtime while other threads of Python's may run.
    pub(super) fn detached<T>(&self, py: Python<'_>, run: impl FnOnce(&Runtime) -> T) -> PyResult<T> {
        let runtime =
            self.runtime.get().ok_or_else(|| PyRuntimeError::new_err("the loop turns only while its worker lives"))?;
        let parts = SameThread((runtime, run));
        let done = py.detach(move || {
            let (runtime, run) = parts.get();
            // SAFETY: it is our own, or `with_runtime` has lent it, and is not over: we are called from inside of it.
            SameThread(run(unsafe { runtime.as_ref() }))
        });
        Ok(done.get())
    }

    /// Lives this life from now on; when it is over, `stop` is called.
    pub(super) fn begin(&self, life: Life, stop: Py<PyAny>) {
        *self.life.borrow_mut() = Some((life, Wish::new(Waker::noop().clone())));
        *self.stop.borrow_mut() = Some(stop);
        self.code.set(None);
    }

    /// The exit code that the life has returned.
    pub(super) fn code(&self) -> Option<i32> {
        self.code.get()
    }

    /// Looks at the life if it wants to be; whether it did.
    pub(super) fn live(&self, cx: &mut Context<'_>) -> bool {
        let mut place = self.life.borrow_mut();
        let Some((life, wish)) = &mut *place else { return false };
        if !wish.main.will_wake(cx.waker()) {
            *wish = Wish::new(cx.waker().clone());
        }
        if !wish.wanted.swap(false, AcqRel) {
            return false;
        }
        let waker = Waker::from(wish.clone());
        if let Poll::Ready(code) = life.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.code.set(Some(code));
            *place = None;
        }
        true
    }

    /// Whether the life is over, and Python has not heard of it. Turns that bring what is left to its end are as all
    /// others.
    pub(super) fn is_over(&self) -> bool {
        self.code.get().is_some() && self.stop.borrow().is_some()
    }

    /// Ends Python's loop if the life is over, once.
    pub(super) fn end(&self, py: Python<'_>) -> PyResult<()> {
        if self.code.get().is_none() {
            return Ok(());
        }
        let stop = self.stop.borrow_mut().take();
        stop.map_or(Ok(()), |stop| stop.call0(py).map(drop))
    }
}
