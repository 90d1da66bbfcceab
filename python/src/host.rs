//! From settings to a host of either kind, in the forked child.

use crate::app::{self, Interface, Loaded};
use crate::asgi::{self, AsgiHost};
use crate::hooks::Config;
use crate::supervised::Supervised;
use crate::wsgi::{self, WsgiHost};
use crate::{interp, report, stacks};
use pyo3::prelude::*;
use rustcorn::Settings;
use rustcorn::abi::{Inherited, Report, Seat};
use rustcorn::arbiter::{self, LaunchError};
use rustcorn::types::exit;
use rustcorn::worker::{Begun, BootFailure, begin, was_stopped_quickly};
use std::cell::RefCell;

/// What the workers of one generation run.
pub struct Plan {
    /// What the arbiter has read.
    pub settings: Settings,
    /// The application, where the program has handed it over as an object.
    pub object: Option<Py<PyAny>>,
    /// The settings file, if it was Python: what it wants to be run in a worker.
    pub config: Option<Config>,
    /// The application, in a process that has it loaded for its workers, and in those workers.
    pub preloaded: RefCell<Option<Loaded>>,
}

/// The whole life of a worker: takes its place, imports the application and serves it; the exit code of the process.
///
/// The import comes after the worker hears signals and watches its arbiter: it may take long, and start processes, which
/// inherit what signals are blocked.
pub fn launch(plan: &Plan, seat: &Seat) -> i32 {
    let begun = match begin(Inherited::of(seat)) {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    Python::attach(|py| {
        // Before the import, which may hang. A worker without them serves as well.
        if let Err(error) = stacks::install(py) {
            report::debug(&format!("Stacks of Python cannot be told: {}", interp::traceback(py, &error)));
        }
        keep_interrupts(py);
        let loaded = match make(py, plan, seat) {
            Ok(loaded) => loaded,
            Err(LaunchError { code, reason }) => return begun.fail(BootFailure { code, reason }),
        };
        let code = serve(plan, loaded, begun);
        if let Some(config) = &plan.config {
            config.leave(py, was_stopped_quickly());
        }
        interp::leave_worker(py);
        code
    })
}

/// Imports the application into a process that workers are forked from.
///
/// # Errors
/// As [`load`].
pub fn preload(plan: &Plan) -> Result<(), LaunchError> {
    Python::attach(|py| {
        // No worker yet, which would have its own ways: an import that hangs is told all the same.
        if let Err(error) = stacks::tell_while_importing(py) {
            report::debug(&interp::traceback(py, &error));
        }
        keep_interrupts(py);
        let loaded = load(py, plan)?;
        let settled = py.import("rustcorn._preload").and_then(|module| module.call_method0("settle"));
        if let Err(error) = settled {
            report::error(&interp::traceback(py, &error));
        }
        plan.preloaded.replace(Some(loaded));
        Ok(())
    })
}

/// A process that cannot hears INT as long as no library takes it.
fn keep_interrupts(py: Python<'_>) {
    if let Err(error) = interp::keep_interrupts(py) {
        report::debug(&interp::traceback(py, &error));
    }
}

/// Everything that has to be there before a host: the application, with the operator's hooks around it.
fn make(py: Python<'_>, plan: &Plan, seat: &Seat) -> Result<Loaded, LaunchError> {
    let mut loaded = plan.preloaded.take().map_or_else(|| load(py, plan), Ok)?;
    if plan.settings.reload {
        tell_imports(py, seat);
    }
    if let Some(config) = &plan.config {
        take_hooks(py, config, &mut loaded)?;
    }
    Ok(loaded)
}

/// Imports the application into this process.
///
/// # Errors
/// As [`app::load`], and if the logging cannot be set up as the settings say.
pub fn load(py: Python<'_>, plan: &Plan) -> Result<Loaded, LaunchError> {
    let logging = plan.config.as_ref().map(|config| config.logging(py)).transpose();
    logging.and_then(|logging| interp::enter_worker(py, &plan.settings, logging)).map_err(|error| {
        let reason = format!("logging cannot be set up: {error}\n{}", interp::traceback(py, &error));
        LaunchError { code: exit::WORKER_BOOT, reason }
    })?;
    if plan.settings.reload {
        // Two changes within a second look the same to the cache of compiled code.
        py.import("sys").and_then(|sys| sys.setattr("dont_write_bytecode", true)).map_err(|error| error.to_string())?;
    }
    let loaded = app::load(py, &plan.settings, plan.object.as_ref())?;
    interp::settle_logging(py);
    Ok(loaded)
}

/// What the application was made from, to the arbiter, which watches it.
fn tell_imports(py: Python<'_>, seat: &Seat) {
    let files = py.import("rustcorn._reload").and_then(|module| module.call_method0("imported")?.extract());
    match files {
        Ok(files) => arbiter::report(seat, &Report::Imported { files }),
        Err(error) => report::error(&interp::traceback(py, &error)),
    }
}

/// What stands around requests.
fn take_hooks(py: Python<'_>, config: &Config, loaded: &mut Loaded) -> Result<(), LaunchError> {
    let refused = |reason| LaunchError { code: exit::WORKER_BOOT, reason };
    let interface = match loaded.interface {
        Interface::Asgi => "asgi",
        Interface::Wsgi => "wsgi",
    };
    let wrapped = config.wrap(loaded.callable.bind(py), interface);
    loaded.callable = wrapped.map_err(|error| refused(interp::traceback(py, &error)))?.unbind();
    Ok(())
}

fn serve(plan: &Plan, loaded: Loaded, begun: Begun) -> i32 {
    let app = Python::attach(|py| loaded.callable.clone_ref(py));
    let config = plan.config.as_ref();
    match loaded.interface {
        Interface::Asgi => {
            let host = AsgiHost::new(loaded.callable, asgi::Options::of(&plan.settings));
            begun.serve(Supervised { host, app, config })
        }
        Interface::Wsgi => {
            let host = WsgiHost::new(loaded.callable, wsgi::Options::of(&plan.settings));
            begun.serve(Supervised { host, app, config })
        }
    }
}
