//! What asyncio takes for its selector.
#![allow(unsafe_code)]

use super::hub::Hub;
use super::stage::Stage;
use super::turn::Wheel;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::cell::RefCell;
use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// The half of the selector that is not Python: `rustcorn._loop` has the rest.
#[pyclass(unsendable)]
pub(super) struct Selector {
    hub: Arc<Hub>,
    wheel: RefCell<Option<Wheel>>,
    stage: Rc<Stage>,
    /// From descriptors to what `select` returns for them.
    keys: Py<PyDict>,
    /// What asyncio calls in its turn, after `select`: steps of tasks that something has woken.
    handles: RefCell<Option<Py<PyAny>>>,
}

impl Selector {
    pub(super) fn new(py: Python<'_>, hub: Arc<Hub>, stage: Rc<Stage>, wheel: Wheel) -> Self {
        Self {
            hub,
            wheel: RefCell::new(Some(wheel)),
            stage,
            keys: PyDict::new(py).unbind(),
            handles: RefCell::default(),
        }
    }

    fn with_wheel<T>(&self, run: impl FnOnce(&mut Wheel) -> PyResult<T>) -> PyResult<T> {
        let mut wheel =
            self.wheel.try_borrow_mut().map_err(|_| PyRuntimeError::new_err("the loop is turning already"))?;
        run(wheel.as_mut().ok_or_else(|| PyRuntimeError::new_err("the selector is closed"))?)
    }

    fn ready_handles(&self, py: Python<'_>) -> PyResult<usize> {
        self.handles.borrow().as_ref().map_or(Ok(0), |handles| handles.bind(py).len())
    }

    fn turn(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<()> {
        self.with_wheel(|wheel| Ok(self.stage.detached(py, |runtime| wheel.turn(runtime, timeout))??))
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

    /// Where asyncio keeps its handles that are ready.
    fn watch(&self, handles: Py<PyAny>) {
        drop(self.handles.replace(Some(handles)));
    }

    fn close(&self) {
        drop(self.wheel.borrow_mut().take());
        drop(self.handles.take());
    }

    /// Turns tokio's loop, does what has come up for Python, and returns asyncio's ready descriptors.
    #[pyo3(signature = (timeout = None))]
    fn select<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyList>> {
        let timeout = timeout.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        self.turn(py, timeout)?;
        self.hub.work(py, self.ready_handles(py)?);
        // Tasks that this has woken are gone on with now.
        self.hub.expect(self.ready_handles(py)?);
        self.stage.end(py)?;
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

/// One with a runtime of its own.
#[pyfunction]
fn _selector(py: Python<'_>) -> PyResult<Selector> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let _context = handle.enter();
    let (hub, stage) = (Arc::new(Hub::new(handle.clone())), Rc::new(Stage::of_its_own(runtime)));
    let wheel = Wheel::new(hub.clone(), stage.clone())?;
    Ok(Selector::new(py, hub, stage, wheel))
}

/// Adds what this half of the package gives to Python.
pub(crate) fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_selector, module)?)
}

/// A descriptor of Python's.
fn borrow<'a>(fd: RawFd) -> PyResult<BorrowedFd<'a>> {
    if fd < 0 {
        return Err(pyo3::exceptions::PyValueError::new_err(format!("{fd} is no descriptor")));
    }
    // SAFETY: it is not -1, and is used for one system call that fails if it is closed.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
