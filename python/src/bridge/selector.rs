//! What asyncio takes for its selector.
#![allow(unsafe_code)]

use super::hub::Hub;
use super::turn::Wheel;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustcorn::worker::Life;
use std::cell::{Cell, RefCell};
use std::os::fd::{BorrowedFd, RawFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The half of the selector that is not Python: `rustcorn._loop` has the rest.
#[pyclass(unsendable)]
pub(super) struct Selector {
    hub: Arc<Hub>,
    wheel: RefCell<Option<Wheel>>,
    /// There only while [`with_runtime`](Self::with_runtime) lends it.
    runtime: Cell<Option<NonNull<Runtime>>>,
    /// From descriptors to what `select` returns for them.
    keys: Py<PyDict>,
    /// What ends `run_forever`, once the worker's life is over.
    stop: RefCell<Option<Py<PyAny>>>,
}

/// Says that something may be used on another thread, where the compiler cannot know that it never is.
struct SameThread<T>(T);

// SAFETY: `Selector::turn` makes it and uses it in a closure that `Python::detach` calls on the thread that it is on.
unsafe impl<T> Send for SameThread<T> {}

impl<T> SameThread<T> {
    fn get(self) -> T {
        self.0
    }
}

impl Selector {
    pub(super) fn new(py: Python<'_>, hub: Arc<Hub>, wheel: Wheel) -> Self {
        let keys = PyDict::new(py).unbind();
        Self { hub, wheel: RefCell::new(Some(wheel)), runtime: Cell::new(None), keys, stop: RefCell::new(None) }
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

    /// Lives this life; when it is over, `stop` is called.
    pub(super) fn begin(&self, life: Life, stop: Py<PyAny>) {
        if let Some(wheel) = self.wheel.borrow_mut().as_mut() {
            wheel.begin(life);
        }
        *self.stop.borrow_mut() = Some(stop);
    }

    /// The exit code that the life has returned.
    pub(super) fn code(&self) -> Option<i32> {
        self.wheel.borrow().as_ref().and_then(|wheel| wheel.code)
    }

    fn with_wheel<T>(&self, run: impl FnOnce(&mut Wheel) -> PyResult<T>) -> PyResult<T> {
        let mut wheel =
            self.wheel.try_borrow_mut().map_err(|_| PyRuntimeError::new_err("the loop is turning already"))?;
        run(wheel.as_mut().ok_or_else(|| PyRuntimeError::new_err("the selector is closed"))?)
    }

    fn turn(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
        let runtime =
            self.runtime.get().ok_or_else(|| PyRuntimeError::new_err("the loop turns only while its worker lives"))?;
        self.with_wheel(|wheel| {
            let parts = SameThread((runtime, wheel));
            py.detach(move || {
                let (runtime, wheel) = parts.get();
                // SAFETY: `with_runtime` has lent it, and is not over: we are called from inside of it.
                wheel.turn(unsafe { runtime.as_ref() }, timeout)
            })?;
            Ok(())
        })?;
        Ok(self.code().is_some())
    }
}

#[pymethods]
impl Selector {
    #[getter]
    fn keys(&self, py: Python<'_>) -> Py<PyDict> {
        self.keys.clone_ref(py)
    }

    fn add(&self, fd: RawFd, events: u32) -> PyResult<()> {
        self.with_wheel(|wheel| Ok(wheel.descriptors.add(borrow(fd)?, events)?))
    }

    fn change(&self, fd: RawFd, events: u32) -> PyResult<()> {
        self.with_wheel(|wheel| Ok(wheel.descriptors.modify(borrow(fd)?, events)?))
    }

    fn remove(&self, fd: RawFd) -> PyResult<()> {
        self.with_wheel(|wheel| {
            wheel.descriptors.remove(borrow(fd)?);
            Ok(())
        })
    }

    fn close(&self) {
        drop(self.wheel.borrow_mut().take());
    }

    /// Turns tokio's loop, does what has come up for Python, and returns asyncio's ready descriptors.
    #[pyo3(signature = (timeout = None))]
    fn select<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyList>> {
        let timeout = timeout.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        let is_over = self.turn(py, timeout)?;
        self.hub.work(py);
        if is_over && let Some(stop) = self.stop.borrow_mut().take() {
            stop.call0(py)?;
        }
        let events = PyList::empty(py);
        let ready = self.with_wheel(|wheel| Ok(std::mem::take(&mut wheel.ready)))?;
        if ready.is_empty() {
            return Ok(events);
        }
        let keys = self.keys.bind(py);
        for (fd, happened) in ready {
            if let Some(key) = keys.get_item(fd)? {
                let wanted: u32 = key.getattr("events")?.extract()?;
                let event = PyTuple::new(py, [key, (happened & wanted).into_pyobject(py)?.into_any()])?;
                events.append(event)?;
            }
        }
        Ok(events)
    }
}

/// A descriptor of Python's.
fn borrow<'a>(fd: RawFd) -> PyResult<BorrowedFd<'a>> {
    if fd < 0 {
        return Err(pyo3::exceptions::PyValueError::new_err(format!("{fd} is no descriptor")));
    }
    // SAFETY: it is not -1, and is used for one system call that fails if it is closed.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
