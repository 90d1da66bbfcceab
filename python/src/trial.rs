//! A start without settings files or a command line, for the tests of this package's parts.

use crate::asgi;
use pyo3::prelude::*;
use rustcorn::abi::{Inherited, Seat};
use rustcorn::arbiter::{self, Launcher, PrepareError, WatchPlan};
use rustcorn::settings::{Resolved, SettingsError, SettingsSource};
use rustcorn::types::Generation;
use rustcorn::{Settings, worker};

struct Fixed(Settings);

impl Fixed {
    fn resolved(&self) -> Resolved {
        Resolved { settings: self.0.clone(), provenance: Default::default(), warnings: Vec::new() }
    }
}

impl SettingsSource for Fixed {
    fn load(&self) -> Result<Resolved, SettingsError> {
        Ok(self.resolved())
    }
}

struct Trial {
    app: Py<PyAny>,
    options: asgi::Options,
}

impl Launcher for Trial {
    fn prepare(&mut self, _: Generation, _: &Settings) -> Result<(), PrepareError> {
        Ok(())
    }

    fn forget(&mut self, _: Generation) {}

    fn descriptors(&self, _: Generation) -> Vec<i32> {
        Vec::new()
    }

    fn rehearse(&self, _: Generation) -> Result<(), String> {
        Ok(())
    }

    #[allow(unsafe_code)]
    fn launch(&self, _: Generation, seat: &Seat) -> Result<i32, String> {
        // SAFETY: in a forked child, which has the lock of the interpreter as its parent had.
        unsafe { pyo3::ffi::PyOS_AfterFork_Child() };
        let app = Python::attach(|py| self.app.clone_ref(py));
        Ok(worker::worker_main(Inherited::of(seat), asgi::AsgiHost::new(app, self.options.clone())))
    }

    fn watch(&self, _: &Settings) -> Result<WatchPlan, String> {
        Err("there is nothing to watch".into())
    }
}

/// Serves an application until it is told to stop. `settings` is a table of settings as in a settings file.
#[pyfunction]
#[pyo3(signature = (app, settings = "", options = None))]
fn _serve_asgi(app: Py<PyAny>, settings: &str, options: Option<&Bound<'_, PyAny>>) -> PyResult<i32> {
    let wrong = |error: &dyn std::fmt::Display| pyo3::exceptions::PyValueError::new_err(error.to_string());
    let mut all = Settings { workers: 1, ..Settings::default() };
    for line in settings.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        let seconds = || value.parse::<f64>().unwrap_or(0.0);
        match key {
            "bind" => all.bind = vec![value.into()],
            "graceful_timeout" => all.graceful_timeout = std::time::Duration::from_secs_f64(seconds()),
            "log_level" => {}
            _ => return Err(wrong(&format!("{key} is no setting"))),
        }
    }
    let options = asgi::Options::from_python(options)?;
    let source = Fixed(all);
    let resolved = source.resolved();
    match arbiter::run(&source, &mut Trial { app, options }, resolved) {
        Ok(code) => Ok(code),
        Err(error) => {
            crate::report::error(&error.to_string());
            Ok(error.code)
        }
    }
}

pub(crate) fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_serve_asgi, module)?)
}
