//! Tasks of asyncio's whose first step is taken at once: many need no second.
//!
//! From 3.12 on asyncio does that itself. Before, a new task asks the loop to call it soon; here it is called as soon as it
//! is made, in the context that it has asked for. Both happens while no other task runs.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    catch: Py<PyAny>,
    catcher: Py<Catcher>,
}

/// In the place of the loop's `call_soon` while a task is made. The collector may run then, and finalizers may ask the
/// loop for anything: only first steps of tasks are caught.
#[pyclass(frozen)]
struct Catcher {
    task: Py<PyAny>,
    usual: Py<PyAny>,
    steps: Mutex<Vec<Step>>,
}

/// The first step of a task.
struct Step {
    callback: Py<PyAny>,
    of: Py<PyAny>,
    context: Option<Py<PyAny>>,
}

#[pymethods]
impl Catcher {
    #[pyo3(signature = (callback, *arguments, context = None))]
    fn call_soon<'py>(
        &self,
        callback: Bound<'py, PyAny>,
        arguments: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = callback.py();
        if arguments.is_empty()
            && let Some(of) = callback.getattr_opt(intern!(py, "__self__"))?
            && of.get_type().is(&self.task)
        {
            let step = Step { callback: callback.unbind(), of: of.unbind(), context: context.map(Bound::unbind) };
            self.steps().push(step);
            // A task does not look at what it gets.
            return Ok(py.None().into_bound(py));
        }
        self.later(py, &callback, &arguments, context.as_ref())
    }
}

impl Catcher {
    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the loop itself does it.
    fn later<'py>(
        &self,
        py: Python<'py>,
        callback: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut all = vec![callback.clone()];
        all.extend(arguments.iter());
        let named = PyDict::new(py);
        named.set_item(intern!(py, "context"), context)?;
        self.usual.bind(py).call(PyTuple::new(py, all)?, Some(&named))
    }

    /// The step of this task. Whatever else was caught is left to the loop.
    fn take(&self, py: Python<'_>, task: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Step>> {
        let mut ours = None;
        // Again, because one may be caught while there are others to be looked at.
        loop {
            let Some(step) = self.steps().pop() else { return Ok(ours) };
            if task.is_some_and(|task| task.is(&step.of)) {
                ours = Some(step);
            } else {
                let context = step.context.as_ref().map(|context| context.bind(py));
                self.later(py, step.callback.bind(py), &PyTuple::empty(py), context)?;
            }
        }
    }
}

impl Spawner {
    pub(super) fn new(py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let task = py.import("asyncio")?.getattr("Task")?;
        let arguments = PyDict::new(py);
        arguments.set_item(intern!(py, "loop"), event_loop)?;
        // Or else each is given a number, which is written out.
        arguments.set_item(intern!(py, "name"), PyString::intern(py, "request"))?;
        let first = if py.version_info() >= (3, 12) {
            arguments.set_item(intern!(py, "eager_start"), true)?;
            None
        } else {
            let usual = event_loop.getattr("call_soon")?;
            // Of its own from now on, so that it can be exchanged.
            event_loop.setattr("call_soon", &usual)?;
            let catcher = Catcher { task: task.clone().unbind(), usual: usual.unbind(), steps: Mutex::default() };
            let catcher = Bound::new(py, catcher)?;
            Some(First {
                attributes: event_loop.getattr("__dict__")?.cast_into::<PyDict>()?.unbind(),
                catch: catcher.getattr("call_soon")?.unbind(),
                catcher: catcher.unbind(),
            })
        };
        Ok(Self { task: task.unbind(), arguments: arguments.unbind(), first })
    }

    /// Makes a task of a coroutine. When this returns it waits for something, or is over.
    pub(super) fn spawn<'py>(&self, py: Python<'py>, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let make = || self.task.bind(py).call((coroutine,), Some(self.arguments.bind(py)));
        let Some(first) = &self.first else { return make() };
        let attributes = first.attributes.bind(py);
        let call_soon = intern!(py, "call_soon");
        attributes.set_item(call_soon, &first.catch)?;
        let task = make();
        let catcher = first.catcher.get();
        attributes.set_item(call_soon, &catcher.usual)?;
        let step = catcher.take(py, task.as_ref().ok())?;
        let task = task?;
        match step {
            Some(Step { callback, context: Some(context), .. }) => {
                context.bind(py).call_method1(intern!(py, "run"), (callback,))?
            }
            Some(Step { callback, .. }) => callback.bind(py).call0()?,
            None => return Ok(task),
        };
        Ok(task)
    }
}
