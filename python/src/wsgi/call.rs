//! One request: the application is called, and what it returns is sent.

use super::environ::Environs;
use super::errors::ErrorLog;
use super::file::FileWrapper;
use super::input::Input;
use super::options::Options;
use super::queue::Job;
use super::receive::Received;
use super::respond;
use super::start::StartResponse;
use crate::report;
use http::request::Parts;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls one application.
pub(super) struct Caller {
    application: Py<PyAny>,
    /// What all environs have beyond what is prescribed.
    shared: Py<PyDict>,
    /// Those that no thread uses. Nothing is made of Python's while this is locked: that may run the collector and with
    /// it a destructor, which lets another thread in, and that one would wait for the lock with the interpreter's.
    idle: Mutex<Vec<Environs>>,
    options: Options,
}

impl Caller {
    pub(super) fn new(py: Python<'_>, application: Py<PyAny>, options: &Options) -> PyResult<Self> {
        let shared = PyDict::new(py);
        shared.set_item(intern!(py, "wsgi.errors"), Bound::new(py, ErrorLog::default())?)?;
        shared.set_item(intern!(py, "wsgi.file_wrapper"), py.get_type::<FileWrapper>())?;
        // Requests without a body share one: there is nothing to read, and so nothing to be read by another.
        shared.set_item(intern!(py, "wsgi.input"), Bound::new(py, Input::empty())?)?;
        let idle = Mutex::new(vec![Environs::new(py, options, &shared)?]);
        Ok(Self { application, shared: shared.unbind(), idle, options: options.clone() })
    }

    pub(super) fn call(&self, py: Python<'_>, job: Job) {
        let Job { head, body, reply } = job;
        if reply.is_closed() {
            // The client is gone, or has waited long enough.
            return;
        }
        let start = match Bound::new(py, StartResponse::new(&head, reply)) {
            Ok(start) => start,
            // No memory: the engine sees that its reply was dropped.
            Err(error) => {
                let what = report::describe(py, &error);
                return report::error(&format!("A request could not be answered: {what}"));
            }
        };
        let returned = self.enter(py, &head, body, &start);
        respond::respond(py, &head, &start, returned, self.options.sendfile);
    }

    fn enter<'py>(
        &self,
        py: Python<'py>,
        head: &Parts,
        body: Received,
        start: &Bound<'py, StartResponse>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let environ = self.environ(py, head)?;
        environ.set_item(intern!(py, "wsgi.early_hints"), StartResponse::hinter(start)?)?;
        if let Some(input) = Input::new(body) {
            environ.set_item(intern!(py, "wsgi.input"), Bound::new(py, input)?)?;
        }
        self.application.bind(py).call1((environ, start))
    }

    fn environ<'py>(&self, py: Python<'py>, head: &Parts) -> PyResult<Bound<'py, PyDict>> {
        let idle = self.idle().pop();
        let mut environs = idle.map_or_else(|| Environs::new(py, &self.options, self.shared.bind(py)), Ok)?;
        let environ = environs.make(py, head);
        self.idle().push(environs);
        environ
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environs>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
