//! What an application awaits. It finishes at once whenever it can: without a turn of the loop.

use super::host::Setup;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use std::sync::Arc;

/// What can be awaited: an exchange, from the application's end.
pub(super) trait Peer: Send + Sync {
    fn setup(&self) -> &Setup;

    /// The next message, if there is one.
    fn receive(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>>;

    /// There was none: `waiter` hears when there is.
    fn await_message(&self, py: Python<'_>, waiter: Py<PyAny>);

    /// Whether more can be sent.
    fn has_room(&self) -> PyResult<bool>;

    /// There was none: `waiter` hears when there is.
    fn await_room(&self, py: Python<'_>, waiter: Py<PyAny>);
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
        self.step(py)
    }

    // A coroutine has these too: an application may make a task of what `receive` returns.

    fn send(&mut self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        self.step(py)
    }

    /// Whoever awaits is cancelled, as a rule. Nothing is lost with it.
    #[pyo3(signature = (error, value = None, traceback = None))]
    fn throw(
        &mut self,
        error: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        drop(traceback);
        self.future = None;
        Err(thrown(error, value))
    }

    fn close(&mut self) {
        self.future = None;
    }
}

impl Waiting {
    /// On to the next future to wait for, or to the end, which is `StopIteration` with what came.
    fn step(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
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
                What::Receive => self.peer.await_message(py, future.clone().unbind()),
                What::Room => self.peer.await_room(py, future.clone().unbind()),
            }
            self.future = Some(future.try_iter()?.unbind());
        }
    }
}

/// What `send` returns that need not wait: it has ended already, in order or with this error, and may be awaited by all and
/// often.
#[pyclass(frozen)]
pub(super) struct Ended(pub(super) Option<PyErr>);

#[pymethods]
impl Ended {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.as_ref().map_or(Ok(None), |error| Err(error.clone_ref(py)))
    }

    fn send(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<()> {
        Err(self.0.as_ref().map_or_else(|| PyStopIteration::new_err(()), |error| error.clone_ref(py)))
    }

    #[pyo3(signature = (error, value = None, traceback = None))]
    fn throw(
        &self,
        error: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        drop(traceback);
        Err(thrown(error, value))
    }

    fn close(&self) {}
}

/// What `send` returns: that it failed is for whoever awaits it, as with a coroutine, and not for who calls it.
pub(super) fn sent<P: Peer + 'static>(
    py: Python<'_>,
    peer: &Arc<P>,
    has_to_wait: PyResult<bool>,
) -> PyResult<Py<PyAny>> {
    Ok(match has_to_wait {
        Ok(false) => peer.setup().nothing.clone_ref(py),
        Ok(true) => Py::new(py, Waiting::new(peer.clone(), What::Room))?.into_any(),
        Err(error) => Py::new(py, Ended(Some(error)))?.into_any(),
    })
}

fn thrown(error: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(error))
}
