//! How an application fails, for the operator log.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use rustcorn::worker::Told;
use std::error::Error;
use std::fmt;

pyo3::create_exception!(
    rustcorn,
    ClientDisconnected,
    PyOSError,
    "The client is gone, or its connection was closed: nobody gets what is sent."
);

/// Why there is no response, or no end of one.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The worker is to say so.
    New(String),
    /// Python has said so.
    Told,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self::New(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(what) => f.write_str(what),
            Self::Told => f.write_str("the application has failed"),
        }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::New(_) => None,
            Self::Told => Some(&Told),
        }
    }
}

/// What `send` raises once nobody listens.
pub(super) fn gone() -> PyErr {
    ClientDisconnected::new_err("the client is gone")
}
