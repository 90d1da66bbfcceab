//! From settings to a host of either kind, in the forked child.

use crate::app::{self, Interface, Loaded};
use crate::asgi::{self, AsgiHost};
use crate::hooks::Config;
use crate::supervised::Supervised;
use crate::wsgi::{self, WsgiHost};
use crate::{interp, report};
use pyo3::prelude::*;
use rustcorn::Settings;
use rustcorn::abi::{Inherited, Report, Seat};
use rustcorn::arbiter::{self, LaunchError};
use rustcorn::types::exit;
use rustcorn::worker::{was_stopped_quickly, worker_main};

/// What the workers of one generation run.
pub struct Plan {
    /// What the arbiter has read.
    pub settings: Settings,
    /// The application, where the program has handed it over as an object.
    pub object: Option<Py<PyAny>>,
    /// The settings file, if it was Python: what it wants to be run in a worker.
    pub config: Option<Config>,
}

/// The whole life of a worker: imports the application and serves it; the exit code of the process.
///
/// # Errors
/// The application cannot be imported.
pub fn launch(plan: &Plan, seat: &Seat) -> Result<i32, LaunchError> {
    Python::attach(|py| {
        let mut loaded = load(py, plan)?;
        if plan.settings.reload {
            tell_imports(py, seat);
        }
        if let Some(config) = &plan.config {
            take_hooks(py, config, &mut loaded)?;
        }
        let code = serve(plan, loaded, seat);
        if let Some(config) = &plan.config {
            config.leave(py, was_stopped_quickly());
        }
        interp::leave_worker(py);
        Ok(code)
    })
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

fn serve(plan: &Plan, loaded: Loaded, seat: &Seat) -> i32 {
    let app = Python::attach(|py| loaded.callable.clone_ref(py));
    let config = plan.config.as_ref();
    match loaded.interface {
        Interface::Asgi => {
            let host = AsgiHost::new(loaded.callable, asgi::Options::of(&plan.settings));
            worker_main(Inherited::of(seat), Supervised { host, app, config })
        }
        Interface::Wsgi => {
            let host = WsgiHost::new(loaded.callable, wsgi::Options::of(&plan.settings));
            worker_main(Inherited::of(seat), Supervised { host, app, config })
        }
    }
}
