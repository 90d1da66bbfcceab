//! asyncio's loop of a worker: made, run, and brought to its end.

use super::hub::Hub;
use super::selector::Selector;
use super::turn::Wheel;
use crate::leave;
use pyo3::prelude::*;
use rustcorn::types::exit;
use rustcorn::worker::Life;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A worker's asyncio loop, with tokio's inside.
pub struct Bridge {
    hub: Arc<Hub>,
    selector: Py<Selector>,
    event_loop: Py<PyAny>,
}

impl Bridge {
    /// Makes the loop, and makes it this thread's own.
    ///
    /// # Errors
    /// Python's, or the system's.
    pub fn new(py: Python<'_>, runtime: &Runtime) -> PyResult<Self> {
        let hub = Arc::new(Hub::new(runtime.handle().clone()));
        let wheel = {
            let _context = runtime.enter();
            Wheel::new(hub.clone())?
        };
        let selector = Py::new(py, Selector::new(py, hub.clone(), wheel))?;
        let made = py.import("rustcorn._loop")?.call_method1("make", (selector.clone_ref(py),));
        Ok(Self { hub, selector, event_loop: made?.unbind() })
    }

    /// Where the loops meet.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// asyncio's loop.
    #[must_use]
    pub fn event_loop(&self) -> &Py<PyAny> {
        &self.event_loop
    }

    /// Turns the loop until this coroutine has returned, and returns what it does.
    ///
    /// # Errors
    /// What the coroutine raises.
    pub fn run_until(&self, py: Python<'_>, runtime: &Runtime, coroutine: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let selector = self.selector.borrow(py);
        selector.with_runtime(runtime, || self.event_loop.call_method1(py, "run_until_complete", (coroutine,)))
    }

    /// Turns the loop until `life` is over, and returns its exit code, or that which the application wants. Whatever tasks
    /// are left then are cancelled.
    pub fn run(self, py: Python<'_>, runtime: &Runtime, life: Life) -> i32 {
        let selector = self.selector.borrow(py);
        let spin = || -> PyResult<()> {
            while selector.code().is_none() {
                match self.event_loop.call_method0(py, "run_forever") {
                    // The loop goes on until all is answered.
                    Err(error) if leave::is_wish(py, &error) => leave::begin(py, &error),
                    turned => drop(turned?),
                }
            }
            Ok(())
        };
        let begun = self.event_loop.getattr(py, "stop").map(|stop| selector.begin(life, stop));
        let code = match begun.and_then(|()| selector.with_runtime(runtime, spin)) {
            Ok(()) => leave::code().or(selector.code()).unwrap_or(exit::FAILURE),
            Err(error) => {
                let what = crate::report::describe(py, &error);
                crate::report::error(&format!("The worker ends because of an error: {what}"));
                exit::FAILURE
            }
        };
        let finish = || py.import("rustcorn._loop")?.call_method1("finish", (self.event_loop.clone_ref(py),));
        if let Err(error) = selector.with_runtime(runtime, finish) {
            crate::report::error(&format!("The end of the event loop: {}", crate::report::describe(py, &error)));
        }
        // Those that were not asked to leave: whatever they have to tell of their requests is told now.
        self.hub.end();
        code
    }
}
