//! What an application awaits. It finishes at once whenever it can: without a turn of the loop.

use super::host::Setup;
use pyo3::exceptions::PyStopIteration;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use std::sync::Arc;

/// What can be awaited: an exchange, from the application's end.
pub(super) trait Peer: Send + Sync {
    fn setup(&self) -> &Setup;

    /// The next message, if there is one.
    fn receive(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>>;

    /// There was none: `waiter` hears when there is.
    fn await_message(&self, waiter: Py<PyAny>);

    /// Whether more can be sent.
    fn has_room(&self) -> PyResult<bool>;

    /// There was none: `waiter` hears when there is.
    fn await_room(&self, waiter: Py<PyAny>);
}

/// What `receive` or `send` do in the moment when they are awaited, and again when something has happened.
pub(super) enum What {
    Receive,
    Room,
}

/// Awaited, it is done when that is.
#[pyclass]
pub(super) struct Waiting {
    peer: Arc<dyn Peer>,
    what: What,
    /// Of the future that says when to look again. That has no value: one that is cancelled loses nothing.
    future: Option<Py<PyIterator>>,
}

impl Waiting {
    pub(super) fn new(peer: Arc<dyn Peer>, what: What) -> Self {
        Self { peer, what, future: None }
    }
}

#[pymethods]
impl Waiting {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            if let Some(future) = &self.future {
                let mut future = future.bind(py).clone();
                if let Some(step) = future.next() {
                    return Ok(Some(step?.unbind()));
                }
                self.future = None;
            }
            let value = match self.what {
                What::Receive => self.peer.receive(py)?,
                What::Room => self.peer.has_room()?.then(|| py.None()),
            };
            if let Some(value) = value {
                return Err(PyStopIteration::new_err((value,)));
            }
            let future = self.peer.setup().future(py)?;
            match self.what {
                What::Receive => self.peer.await_message(future.clone().unbind()),
                What::Room => self.peer.await_room(future.clone().unbind()),
            }
            self.future = Some(future.try_iter()?.unbind());
        }
    }
}

/// Says that it is time to look again.
pub(super) fn resolve(py: Python<'_>, waiter: &Py<PyAny>) {
    let waiter = waiter.bind(py);
    let resolve = || -> PyResult<()> {
        if !waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
            waiter.call_method1(intern!(py, "set_result"), (py.None(),))?;
        }
        Ok(())
    };
    if let Err(error) = resolve() {
        crate::report::error(&crate::report::describe(py, &error));
    }
}
