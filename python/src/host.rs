//! From settings to a host of either kind, in the forked child.

use crate::app::{self, Interface, Loaded};
use crate::asgi::{self, AsgiHost};
use crate::interp;
use crate::wsgi::{self, WsgiHost};
use pyo3::prelude::*;
use rustcorn::Settings;
use rustcorn::abi::{Inherited, Seat};
use rustcorn::arbiter::LaunchError;
use rustcorn::types::exit;
use rustcorn::worker::worker_main;

/// What the workers of one generation run.
pub struct Plan {
    /// What the arbiter has read.
    pub settings: Settings,
    /// The application, where the program has handed it over as an object.
    pub object: Option<Py<PyAny>>,
}

/// The whole life of a worker: imports the application and serves it; the exit code of the process.
///
/// # Errors
/// The application cannot be imported.
pub fn launch(plan: &Plan, seat: &Seat) -> Result<i32, LaunchError> {
    Python::attach(|py| {
        let loaded = load(py, plan)?;
        let code = serve(plan, loaded, seat);
        interp::leave_worker(py);
        Ok(code)
    })
}

/// Imports the application into this process.
///
/// # Errors
/// As [`app::load`], and if the logging cannot be set up as the settings say.
pub fn load(py: Python<'_>, plan: &Plan) -> Result<Loaded, LaunchError> {
    interp::enter_worker(py, &plan.settings).map_err(|error| {
        let reason = format!("logging cannot be set up: {error}\n{}", interp::traceback(py, &error));
        LaunchError { code: exit::WORKER_BOOT, reason }
    })?;
    let loaded = app::load(py, &plan.settings, plan.object.as_ref())?;
    interp::settle_logging(py);
    Ok(loaded)
}

fn serve(plan: &Plan, loaded: Loaded, seat: &Seat) -> i32 {
    match loaded.interface {
        Interface::Asgi => {
            let host = AsgiHost::new(loaded.callable, asgi::Options::of(&plan.settings));
            worker_main(Inherited::of(seat), host)
        }
        Interface::Wsgi => {
            let host = WsgiHost::new(loaded.callable, wsgi::Options::of(&plan.settings));
            worker_main(Inherited::of(seat), host)
        }
    }
}
