//! The coroutine of a request's task: it runs the application, and tells the exchange how that has ended.
//!
//! It is what `async def run(): try: await app(scope, receive, send) ...` would be, without a frame of its own. Whoever
//! looks at it sees the application's coroutine.
#![allow(unsafe_code)]

use super::exchange::Exchange;
use pyo3::exceptions::{PyAttributeError, PyGeneratorExit, PyRuntimeError, PyStopIteration};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What an application is called with.
pub(super) type Arguments = (Py<PyDict>, Py<PyAny>, Py<PyAny>);

#[pyclass(frozen, module = "rustcorn", name = "request")]
pub(super) struct Run {
    exchange: Arc<Exchange>,
    /// None: the application was called.
    arguments: Mutex<Option<Arguments>>,
    coroutine: PyOnceLock<Py<PyAny>>,
    has_ended: AtomicBool,
}

impl Run {
    pub(super) fn new(exchange: Arc<Exchange>, arguments: Arguments) -> Self {
        let arguments = Mutex::new(Some(arguments));
        Self { exchange, arguments, coroutine: PyOnceLock::new(), has_ended: AtomicBool::new(false) }
    }

    /// Whether its connection was cut, or has been.
    pub(super) fn is_cut(&self) -> bool {
        self.exchange.lock().gone
    }

    fn arguments(&self) -> Option<Arguments> {
        self.arguments.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Calls the application: inside of its task, and of the task's context.
    fn begin<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let arguments = self.arguments().ok_or_else(|| PyRuntimeError::new_err("the request is over"))?;
        let setup = &self.exchange.setup;
        let mut coroutine = setup.app.bind(py).call1(arguments)?;
        // SAFETY: it is an object.
        if unsafe { ffi::PyCoro_CheckExact(coroutine.as_ptr()) } == 0 {
            coroutine = setup.hold.bind(py).call1((coroutine,))?;
        }
        Ok(self.coroutine.get_or_init(py, || coroutine.unbind()).bind(py))
    }

    fn end(&self, py: Python<'_>, error: Option<PyErr>) {
        if !self.has_ended.swap(true, Relaxed) {
            self.exchange.done(py, error);
        }
    }
}

#[pymethods]
impl Run {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// What the task calls: the future that the application waits for, or none at its end.
    fn __next__<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let coroutine = match self.coroutine.get(py) {
            Some(coroutine) => coroutine.bind(py),
            None => match self.begin(py) {
                Ok(coroutine) => coroutine,
                Err(error) => {
                    self.end(py, Some(error));
                    return None;
                }
            },
        };
        let mut value = std::ptr::null_mut();
        // SAFETY: it is an object and none is one; the result is a new reference or null.
        let (step, value) = unsafe {
            let step = ffi::PyIter_Send(coroutine.as_ptr(), ffi::Py_None(), &raw mut value);
            (step, Bound::from_owned_ptr_or_opt(py, value))
        };
        match step {
            ffi::PySendResult::PYGEN_NEXT => return value,
            ffi::PySendResult::PYGEN_RETURN => self.end(py, None),
            ffi::PySendResult::PYGEN_ERROR => self.end(py, Some(PyErr::fetch(py))),
        }
        None
    }

    fn send<'py>(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self.coroutine.get(py) {
            Some(coroutine) if !value.is_none() => {
                self.proceed(py, coroutine.bind(py).call_method1(intern!(py, "send"), (value,)))
            }
            _ => self.__next__(py).ok_or_else(|| PyStopIteration::new_err(())),
        }
    }

    /// What a task calls that is cancelled, or whose future has failed.
    #[pyo3(signature = (*error))]
    fn throw<'py>(&self, py: Python<'py>, error: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let thrown = match self.coroutine.get(py) {
            Some(coroutine) => coroutine.bind(py).call_method1(intern!(py, "throw"), error),
            None => {
                drop(self.arguments());
                Err(PyErr::from_value(error.get_item(0)?))
            }
        };
        self.proceed(py, thrown)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        drop(self.arguments());
        let closed = match self.coroutine.get(py) {
            Some(coroutine) => coroutine.call_method0(py, intern!(py, "close")).map(drop),
            None => Ok(()),
        };
        self.end(py, Some(PyGeneratorExit::new_err(())));
        closed
    }

    /// `cr_frame` and the like.
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        match (self.coroutine.get(py), name) {
            (Some(coroutine), _) => coroutine.bind(py).getattr(name),
            (None, "cr_running" | "cr_suspended") => Ok(false.into_pyobject(py)?.to_owned().into_any()),
            (None, "cr_frame" | "cr_await" | "cr_code" | "cr_origin") => Ok(py.None().into_bound(py)),
            (None, "__name__" | "__qualname__") => Ok(intern!(py, "request").clone().into_any()),
            (None, _) => Err(PyAttributeError::new_err(name.to_owned())),
        }
    }
}

impl Run {
    /// After something else than the next step.
    fn proceed<'py>(&self, py: Python<'py>, step: PyResult<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        match step {
            Ok(value) => return Ok(value),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) && self.coroutine.get(py).is_some() => {
                self.end(py, None);
            }
            Err(error) => self.end(py, Some(error)),
        }
        Err(PyStopIteration::new_err(()))
    }
}
