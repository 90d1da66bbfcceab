//! asyncio's loop of a worker: made, run, and brought to its end.

use super::brink::Brink;
use super::guest::Guest;
use super::hub::Hub;
use super::selector::Selector;
use super::stage::Stage;
use super::turn::Wheel;
use crate::leave;
use pyo3::prelude::*;
use rustcorn::types::exit;
use rustcorn::worker::{Life, grace_left};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What is left at the end has so long to end itself, at least.
const PATIENCE: Duration = Duration::from_millis(250);

/// Half of what is left of the worker's grace: exit handlers come after.
fn patience() -> Duration {
    grace_left().map_or(PATIENCE, |left| PATIENCE.max(left / 2))
}

/// A worker's asyncio loop, with tokio's inside.
pub struct Bridge {
    hub: Arc<Hub>,
    stage: Rc<Stage>,
    event_loop: Py<PyAny>,
}

impl Bridge {
    /// Makes asyncio's own loop, and makes it this thread's.
    ///
    /// # Errors
    /// Python's, or the system's.
    pub fn asyncio(py: Python<'_>, runtime: &Runtime) -> PyResult<Self> {
        let (hub, stage) = (Arc::new(Hub::new(runtime.handle().clone())), Rc::new(Stage::default()));
        let wheel = {
            let _context = runtime.enter();
            Wheel::new(hub.clone(), stage.clone())?
        };
        let selector = Py::new(py, Selector::new(py, hub.clone(), stage.clone(), wheel))?;
        let event_loop = py.import("rustcorn._loop")?.call_method1("make", (selector,))?.unbind();
        Ok(Self { hub, stage, event_loop })
    }

    /// Makes a loop of uvloop's. A timer of the worker's may ring so much too late.
    ///
    /// # Errors
    /// Python's, or the system's: uvloop is not there.
    pub fn uvloop(py: Python<'_>, runtime: &Runtime, brink: Arc<Brink>, late: Duration) -> PyResult<Self> {
        let (hub, stage) = (Arc::new(Hub::new(runtime.handle().clone())), Rc::new(Stage::default()));
        let guest = Py::new(py, Guest::new(runtime, hub.clone(), stage.clone(), brink)?)?;
        let event_loop = py.import("rustcorn._uvloop")?.call_method1("make", (guest, late.as_secs_f64()))?.unbind();
        Ok(Self { hub, stage, event_loop })
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
        self.stage.with_runtime(runtime, || self.event_loop.call_method1(py, "run_until_complete", (coroutine,)))
    }

    /// Turns the loop until `life` is over, and returns its exit code, or that which the application wants. Whatever tasks
    /// are left then are cancelled.
    pub fn run(self, py: Python<'_>, runtime: &Runtime, life: Life) -> i32 {
        let spin = || -> PyResult<()> {
            while self.stage.code().is_none() {
                match self.event_loop.call_method0(py, "run_forever") {
                    // The loop goes on until all is answered.
                    Err(error) if leave::is_wish(py, &error) => leave::begin(py, &error),
                    turned => drop(turned?),
                }
            }
            Ok(())
        };
        let begun = self.event_loop.getattr(py, "stop").map(|stop| self.stage.begin(life, stop));
        let code = match begun.and_then(|()| self.stage.with_runtime(runtime, spin)) {
            Ok(()) => leave::code().or(self.stage.code()).unwrap_or(exit::FAILURE),
            Err(error) => {
                let what = crate::report::describe(py, &error);
                crate::report::error(&format!("The worker ends because of an error: {what}"));
                exit::FAILURE
            }
        };
        let finish = || -> PyResult<Vec<String>> {
            let patience = patience().as_secs_f64();
            py.import("rustcorn._loop")?.call_method1("finish", (&self.event_loop, patience))?.extract()
        };
        match self.stage.with_runtime(runtime, finish) {
            Ok(cut) if cut.is_empty() => {}
            Ok(cut) => crate::report::error(&format!(
                "Tasks of the application that were cancelled do not end, and are cut: {}",
                cut.join(", ")
            )),
            Err(error) => {
                crate::report::error(&format!("The end of the event loop: {}", crate::report::describe(py, &error)));
            }
        }
        // Those that were not asked to leave: whatever they have to tell of their requests is told now.
        self.hub.end();
        code
    }
}
