//! Ends of connections as a scope has them. A connection brings many requests, so they are kept for a while.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rustcorn::Address;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Each port has one of so many places, which is its newest user's.
const PLACES: usize = 1024;

type Known = Option<(SocketAddr, Py<PyTuple>)>;

pub(super) struct Addresses {
    clients: Mutex<Vec<Known>>,
    /// There are few.
    server: Mutex<Known>,
}

impl Default for Addresses {
    fn default() -> Self {
        let clients = std::iter::repeat_with(|| None).take(PLACES).collect();
        Self { clients: Mutex::new(clients), server: Mutex::new(None) }
    }
}

impl Addresses {
    /// Host and port, or path and none; none: it has no name.
    pub(super) fn server<'py>(&self, py: Python<'py>, address: &Address) -> PyResult<Option<Bound<'py, PyTuple>>> {
        match address {
            Address::Tcp(address) => {
                pair(py, &mut self.server.lock().unwrap_or_else(PoisonError::into_inner), *address).map(Some)
            }
            Address::Unix(Some(path)) => (path.as_os_str(), py.None()).into_pyobject(py).map(Some),
            Address::Unix(None) => Ok(None),
        }
    }

    /// Host and port.
    pub(super) fn client<'py>(&self, py: Python<'py>, address: SocketAddr) -> PyResult<Bound<'py, PyTuple>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        pair(py, &mut clients[usize::from(address.port()) % PLACES], address)
    }
}

fn pair<'py>(py: Python<'py>, place: &mut Known, address: SocketAddr) -> PyResult<Bound<'py, PyTuple>> {
    if let Some((_, pair)) = place.as_ref().filter(|(known, _)| *known == address) {
        return Ok(pair.bind(py).clone());
    }
    let pair = (address.ip().to_string(), address.port()).into_pyobject(py)?;
    *place = Some((address, pair.clone().unbind()));
    Ok(pair)
}
