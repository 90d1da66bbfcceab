//! How an application fails, for the operator log.

use crate::report;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::fmt;

pyo3::create_exception!(
    rustcorn,
    ClientDisconnected,
    PyOSError,
    "The client is gone, or its connection was closed: nobody gets what is sent."
);

/// Why there is no response, or no end of one.
#[derive(Clone, Debug)]
pub struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    pub(super) fn raised(py: Python<'_>, error: &PyErr) -> Self {
        Self(report::describe(py, error))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// What `send` raises once nobody listens.
pub(super) fn gone() -> PyErr {
    ClientDisconnected::new_err("the client is gone")
}
