//! One request: the application is called, and what it returns is sent.

use super::environ::Environs;
use super::errors::{self, ErrorLog};
use super::file::FileWrapper;
use super::input::Input;
use super::options::Options;
use super::queue::Job;
use super::receive::Received;
use super::respond;
use super::start::StartResponse;
use http::request::Parts;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, PoisonError};

/// Calls one application.
pub(super) struct Caller {
    application: Py<PyAny>,
    environs: Mutex<Environs>,
    options: Options,
}

impl Caller {
    pub(super) fn new(py: Python<'_>, application: Py<PyAny>, options: &Options) -> PyResult<Self> {
        let shared = PyDict::new(py);
        shared.set_item(intern!(py, "wsgi.errors"), Bound::new(py, ErrorLog::default())?)?;
        shared.set_item(intern!(py, "wsgi.file_wrapper"), py.get_type::<FileWrapper>())?;
        // Requests without a body share one: there is nothing to read, and so nothing to be read by another.
        shared.set_item(intern!(py, "wsgi.input"), Bound::new(py, Input::empty())?)?;
        let environs = Mutex::new(Environs::new(py, options, &shared)?);
        Ok(Self { application, environs, options: options.clone() })
    }

    pub(super) fn call(&self, py: Python<'_>, job: Job) {
        let Job { head, body, reply } = job;
        if reply.is_closed() {
            // The client is gone, or has waited long enough.
            return;
        }
        let start = match Bound::new(py, StartResponse::new(&head.method, reply)) {
            Ok(start) => start,
            // No memory: the engine sees that its reply was dropped.
            Err(error) => return errors::log(py, "A request could not be answered", &error),
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
        let environ = self.environs.lock().unwrap_or_else(PoisonError::into_inner).make(py, head)?;
        if let Some(input) = Input::new(body) {
            environ.set_item(intern!(py, "wsgi.input"), Bound::new(py, input)?)?;
        }
        self.application.bind(py).call1((environ, start))
    }
}
