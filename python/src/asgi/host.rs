//! An ASGI application in its worker.

use super::address::Addresses;
use super::ending;
use super::headers::Fields;
use super::lifespan;
use super::options::Options;
use super::running::Tasks;
use super::scope::Templates;
use super::service::Asgi;
use super::spawn::Spawner;
use crate::bridge::{Bridge, Brink, Hub};
use crate::report;
use pyo3::exceptions::PyImportError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::abi::Orders;
use rustcorn::types::exit;
use rustcorn::worker::{App, BootFailure, Host, Life, Place};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Builds and runs a worker with this application.
pub struct AsgiHost {
    app: Py<PyAny>,
    options: Options,
    /// For a loop of uvloop's.
    brink: Option<Arc<Brink>>,
    bridge: Option<Bridge>,
}

impl AsgiHost {
    /// For an ASGI 3 application: a callable with scope, receive and send.
    #[must_use]
    pub fn new(app: Py<PyAny>, options: Options) -> Self {
        Self { app, options, brink: None, bridge: None }
    }

    fn bridge(&self, py: Python<'_>, runtime: &Runtime) -> Result<Bridge, Failure> {
        let (Some(brink), Some(late)) = (&self.brink, self.options.uvloop) else {
            return Ok(Bridge::asyncio(py, runtime)?);
        };
        Bridge::uvloop(py, runtime, brink.clone(), late).map_err(|error| match error.is_instance_of::<PyImportError>(py) {
            true => Failure::Said(format!(
                "its loop is to be uvloop's (asgi_loop), which cannot be imported: {error}; install it (pip install uvloop), \
                 or write auto"
            )),
            false => Failure::Python(error),
        })
    }

    fn start(&mut self, py: Python<'_>, runtime: &Runtime) -> Result<App<Asgi>, Failure> {
        let bridge = self.bridge(py, runtime)?;
        let helpers = py.import("rustcorn._asgi")?;
        let lifespan = lifespan::start(py, &bridge, runtime, &helpers, &self.app, &self.options)?;
        let setup = Setup::new(py, self, &bridge, &helpers, lifespan.as_ref().map(|lifespan| &lifespan.state))?;
        // An application may have installed handlers of its own, by whatever way.
        rustcorn::sys::signal::WorkerInbox::share().map_err(PyErr::from)?;
        // What is here by now stays: the collector need not look at it again.
        let gc = py.import("gc")?;
        gc.call_method0("collect")?;
        gc.call_method0("freeze")?;
        let (hub, setup) = (bridge.hub().clone(), Arc::new(setup));
        let connections = hub.clone();
        let app = App::new(Asgi(setup.clone())).spawn_with(move |connection| connections.spawn(connection));
        let app = app.on_shutdown(async move || {
            ending::finish(setup).await;
            if let Some(lifespan) = lifespan {
                lifespan.shutdown(hub).await;
            }
        });
        self.bridge = Some(bridge);
        Ok(app)
    }
}

/// Why the application does not stand.
pub(super) enum Failure {
    /// It has said so, or let us wait.
    Said(String),
    Python(PyErr),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl Host for AsgiHost {
    type Service = Asgi;

    fn threads(&self, _: &Orders) -> usize {
        1
    }

    fn prepare(&mut self, runtime: &mut Builder, _: usize) {
        self.brink = self.options.uvloop.map(|_| Brink::of(runtime));
    }

    fn build(&mut self, runtime: &Runtime, place: Place<'_>) -> Result<App<Asgi>, BootFailure> {
        Python::attach(|py| {
            self.start(py, runtime).map_err(|failure| {
                let why = match failure {
                    Failure::Said(why) => why,
                    Failure::Python(error) => report::describe(py, &error),
                };
                BootFailure { code: exit::WORKER_BOOT, reason: format!("{} cannot start: {why}", place.orders.app) }
            })
        })
    }

    fn run(mut self, runtime: &Runtime, life: Life) -> i32 {
        Python::attach(|py| match self.bridge.take() {
            Some(bridge) => bridge.run(py, runtime, life),
            None => exit::FAILURE,
        })
    }
}

/// What all requests have in common.
pub(super) struct Setup {
    pub(super) hub: Arc<Hub>,
    /// Of its requests.
    pub(super) running: Arc<Tasks>,
    pub(super) app: Py<PyAny>,
    /// Runs the application for a WebSocket, and tells how that ended.
    pub(super) serve: Py<PyAny>,
    /// Makes a coroutine of something else that can be awaited.
    pub(super) hold: Py<PyAny>,
    /// Awaited, it returns none at once. There is one for all.
    pub(super) nothing: Py<PyAny>,
    pub(super) tasks: Spawner,
    pub(super) options: Options,
    pub(super) templates: Templates,
    pub(super) fields: Fields,
    pub(super) addresses: Addresses,
    event_loop: Py<PyAny>,
    all_tasks: Py<PyAny>,
    /// Cancels a task, unless that was done before.
    cancel: Py<PyAny>,
    future: Py<PyAny>,
    future_arguments: Py<PyDict>,
}

impl Setup {
    fn new(
        py: Python<'_>,
        host: &AsgiHost,
        bridge: &Bridge,
        helpers: &Bound<'_, PyModule>,
        state: Option<&Py<PyDict>>,
    ) -> PyResult<Self> {
        let asyncio = py.import("asyncio")?;
        let event_loop = bridge.event_loop().clone_ref(py);
        let future_arguments = PyDict::new(py);
        future_arguments.set_item(intern!(py, "loop"), &event_loop)?;
        Ok(Self {
            hub: bridge.hub().clone(),
            running: Arc::default(),
            app: host.app.clone_ref(py),
            serve: helpers.getattr("serve")?.unbind(),
            hold: helpers.getattr("hold")?.unbind(),
            nothing: Py::new(py, super::waiting::Ended(None))?.into_any(),
            tasks: Spawner::new(py, event_loop.bind(py))?,
            options: host.options.clone(),
            templates: Templates::new(helpers, &host.options.root_path, state)?,
            fields: Fields::default(),
            addresses: Addresses::default(),
            event_loop,
            all_tasks: asyncio.getattr("all_tasks")?.unbind(),
            cancel: py.import("rustcorn._loop")?.getattr("cancel_once")?.unbind(),
            future: asyncio.getattr("Future")?.unbind(),
            future_arguments: future_arguments.unbind(),
        })
    }

    /// A future of asyncio's.
    pub(super) fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.future.bind(py).call((), Some(self.future_arguments.bind(py)))
    }

    /// Whether an error says no more than that the client is gone.
    pub(super) fn is_disconnect(&self, py: Python<'_>, error: &PyErr) -> bool {
        let answer = py.import(intern!(py, "rustcorn._asgi"));
        let answer = answer.and_then(|helpers| helpers.call_method1(intern!(py, "is_disconnect"), (error.value(py),)));
        answer.and_then(|answer| answer.is_truthy()).unwrap_or(false)
    }

    /// Cancels a task whose client is gone, unless it ends within the grace; none: it may go on.
    pub(super) fn cancel_later(&self, py: Python<'_>, task: Py<PyAny>) -> Option<Alarm> {
        let grace = self.options.disconnect_grace?;
        let arguments = (grace.as_secs_f64(), &self.cancel, task);
        let set = self.event_loop.call_method1(py, intern!(py, "call_later"), arguments);
        set.map(Alarm).map_err(|error| report::error(&report::describe(py, &error))).ok()
    }

    /// Cancels a task now. One whose client had left may be about to be, or may have been: once is enough.
    pub(super) fn cancel(&self, py: Python<'_>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        self.cancel.call1(py, (task,)).map(drop)
    }

    /// Those of asyncio's that have not ended.
    pub(super) fn all_tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.all_tasks.bind(py).call1((&self.event_loop,))
    }
}

/// A task will be cancelled. The loop keeps that task, and all that it holds, until then or until this is taken off.
pub(super) struct Alarm(Py<PyAny>);

impl Alarm {
    pub(super) fn take_off(self, py: Python<'_>) {
        if let Err(error) = self.0.call_method0(py, intern!(py, "cancel")) {
            report::error(&report::describe(py, &error));
        }
    }
}
