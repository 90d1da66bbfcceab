//! Ends of connections as a scope has them. A connection brings many requests, so they are kept for a while.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rustcorn::Address;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// So many clients are remembered; then all are forgotten.
const MANY: usize = 1024;

#[derive(Default)]
pub(super) struct Addresses(Mutex<HashMap<SocketAddr, Py<PyTuple>>>);

impl Addresses {
    /// Host and port, or path and none; none: it has no name.
    pub(super) fn pair<'py>(&self, py: Python<'py>, address: &Address) -> PyResult<Option<Bound<'py, PyTuple>>> {
        match address {
            Address::Tcp(address) => self.tcp(py, *address).map(Some),
            Address::Unix(Some(path)) => (path.as_os_str(), py.None()).into_pyobject(py).map(Some),
            Address::Unix(None) => Ok(None),
        }
    }

    /// Host and port.
    pub(super) fn tcp<'py>(&self, py: Python<'py>, address: SocketAddr) -> PyResult<Bound<'py, PyTuple>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = known.get(&address) {
            return Ok(pair.bind(py).clone());
        }
        let pair = (address.ip().to_string(), address.port()).into_pyobject(py)?;
        if known.len() >= MANY {
            known.clear();
        }
        known.insert(address, pair.clone().unbind());
        Ok(pair)
    }
}
