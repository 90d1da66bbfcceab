//! The application's start and its end. `rustcorn._asgi` speaks with it.

use super::host::Failure;
use super::options::Options;
use crate::bridge::{Bridge, Hub, Job};
use crate::report;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::settings::Toggle;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// An application that has started and wants to hear of its end.
pub(super) struct Lifespan {
    /// What it has left there for its requests.
    pub(super) state: Py<PyDict>,
    python: Py<PyAny>,
    /// What it has for its end.
    timeout: Option<f64>,
}

/// Starts the application; none: it does not know lifespans.
pub(super) fn start(
    py: Python<'_>,
    bridge: &Bridge,
    runtime: &Runtime,
    helpers: &Bound<'_, PyModule>,
    app: &Py<PyAny>,
    options: &Options,
) -> Result<Option<Lifespan>, Failure> {
    if options.lifespan == Toggle::Off {
        return Ok(None);
    }
    let python = helpers.getattr("Lifespan")?.call1((app,))?;
    let seconds = |span: Duration| Some(span.as_secs_f64()).filter(|seconds| *seconds > 0.0);
    let timeout = seconds(options.startup_timeout);
    let outcome = bridge.run_until(py, runtime, python.call_method1("startup", (timeout,))?)?;
    let (outcome, text): (String, String) = outcome.extract(py)?;
    match outcome.as_str() {
        "complete" => {
            let state = python.getattr("state")?.cast_into::<PyDict>().map_err(PyErr::from)?.unbind();
            let timeout = seconds(options.shutdown_timeout);
            Ok(Some(Lifespan { state, python: python.unbind(), timeout }))
        }
        "unsupported" if options.lifespan == Toggle::Auto => {
            // The rest of it is a traceback, which is of no use to those whose application was never meant to know.
            let why = text.lines().next().unwrap_or_default();
            report::info(&format!(
                "The application does not seem to know ASGI's lifespan, and is served without: {why} (with --lifespan on the \
                 worker would not start)"
            ));
            report::debug(&format!("The application does not know ASGI's lifespan: {text}"));
            Ok(None)
        }
        "unsupported" => Err(Failure::Said(format!("it does not know ASGI's lifespan, which is demanded: {text}"))),
        _ => Err(Failure::Said(text)),
    }
}

impl Lifespan {
    /// Tells the application that it ends, and waits until it has said that it is ready to.
    pub(super) async fn shutdown(self, hub: Arc<Hub>) {
        let (told, done) = oneshot::channel();
        hub.push(Arc::new(Shutdown { lifespan: self, told: Mutex::new(Some(told)) }));
        // An error: it will never say so.
        drop(done.await);
    }
}

struct Shutdown {
    lifespan: Lifespan,
    told: Mutex<Option<oneshot::Sender<()>>>,
}

impl Job for Shutdown {
    fn run(self: Arc<Self>, py: Python<'_>) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let begin = || -> PyResult<()> {
            let told = Bound::new(py, Told(Mutex::new(told)))?;
            self.lifespan.python.call_method1(py, "begin_shutdown", (told, self.lifespan.timeout)).map(drop)
        };
        if let Err(error) = begin() {
            report::error(&report::describe(py, &error));
        }
    }
}

/// Called when the application has said its last word; with what it complains of.
#[pyclass(frozen)]
struct Told(Mutex<Option<oneshot::Sender<()>>>);

#[pymethods]
impl Told {
    #[pyo3(signature = (complaint = None))]
    fn __call__(&self, complaint: Option<&str>) {
        if let Some(complaint) = complaint {
            report::error(&format!("The application's lifespan shutdown failed: {complaint}"));
        }
        if let Some(told) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody waits any more: the worker has lost its patience.
            let _ = told.send(());
        }
    }
}
