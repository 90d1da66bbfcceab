//! Tasks of asyncio's whose first step is taken at once: many need no second.
//!
//! From 3.12 on asyncio does that itself. Before, a new task asks the loop to call it soon; here it is called as soon as it
//! is made, in the context that it has asked for. Both happens while no other task runs.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::{Mutex, PoisonError};

/// Makes tasks.
pub(super) struct Spawner {
    task: Py<PyAny>,
    arguments: Py<PyDict>,
    /// None: asyncio knows eager tasks.
    first: Option<First>,
}

struct First {
    /// The attributes of the loop.
    attributes: Py<PyDict>,
    usual: Py<PyAny>,
    catch: Py<PyAny>,
    catcher: Py<Catcher>,
}

/// In the place of the loop's `call_soon` while a task is made.
#[pyclass(frozen)]
struct Catcher(Mutex<Option<Step>>);

/// What is called, and in which context.
type Step = (Py<PyAny>, Option<Py<PyAny>>);

#[pymethods]
impl Catcher {
    #[pyo3(signature = (callback, *, context = None))]
    fn call_soon(&self, callback: Py<PyAny>, context: Option<Py<PyAny>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((callback, context));
    }
}

impl Spawner {
    pub(super) fn new(py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let arguments = PyDict::new(py);
        arguments.set_item(intern!(py, "loop"), event_loop)?;
        // Or else each is given a number, which is written out.
        arguments.set_item(intern!(py, "name"), PyString::intern(py, "request"))?;
        let first = if py.version_info() >= (3, 12) {
            arguments.set_item(intern!(py, "eager_start"), true)?;
            None
        } else {
            let catcher = Bound::new(py, Catcher(Mutex::new(None)))?;
            let usual = event_loop.getattr("call_soon")?;
            // Of its own from now on, so that it can be exchanged.
            event_loop.setattr("call_soon", &usual)?;
            Some(First {
                attributes: event_loop.getattr("__dict__")?.cast_into::<PyDict>()?.unbind(),
                usual: usual.unbind(),
                catch: catcher.getattr("call_soon")?.unbind(),
                catcher: catcher.unbind(),
            })
        };
        Ok(Self { task: py.import("asyncio")?.getattr("Task")?.unbind(), arguments: arguments.unbind(), first })
    }

    /// Makes a task of a coroutine. When this returns it waits for something, or is over.
    pub(super) fn spawn<'py>(&self, py: Python<'py>, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let make = || self.task.bind(py).call((coroutine,), Some(self.arguments.bind(py)));
        let Some(first) = &self.first else { return make() };
        let attributes = first.attributes.bind(py);
        let call_soon = intern!(py, "call_soon");
        attributes.set_item(call_soon, &first.catch)?;
        let task = make();
        attributes.set_item(call_soon, &first.usual)?;
        let caught = first.catcher.get().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = task?;
        match caught {
            Some((step, Some(context))) => context.bind(py).call_method1(intern!(py, "run"), (step,))?,
            Some((step, None)) => step.bind(py).call0()?,
            None => return Ok(task),
        };
        Ok(task)
    }
}
