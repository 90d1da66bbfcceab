//! The application: its name, its import, and what it is called with. The import itself is Python's business
//! (`rustcorn/_app.py`); here are the ways there and back.

use crate::interp;
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::Settings;
use rustcorn::arbiter::LaunchError;
use rustcorn::settings::Protocol;
use rustcorn::types::exit;

/// What an application is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// `app(scope, receive, send)`. The older form has been wrapped into it.
    Asgi,
    /// `app(environ, start_response)`.
    Wsgi,
}

/// An application that was imported.
pub struct Loaded {
    /// What is called.
    pub callable: Py<PyAny>,
    /// How.
    pub interface: Interface,
}

/// Imports the application, unless the program has handed it over as an object, and finds out its interface.
///
/// # Errors
/// With the exit code 3 the import failed, and the traceback is below the sentence. With 4 it went well, and there is no
/// such application in the module.
pub fn load(py: Python<'_>, settings: &Settings, object: Option<&Py<PyAny>>) -> Result<Loaded, LaunchError> {
    let module = py.import("rustcorn._app").map_err(|error| broken(py, &error))?;
    let found = (|| {
        let words = PyDict::new(py);
        words.set_item("app", settings.app.as_deref().unwrap_or_default())?;
        words.set_item("app_dir", &settings.app_dir)?;
        words.set_item("pythonpath", &settings.pythonpath)?;
        words.set_item("factory", settings.factory)?;
        words.set_item("protocol", protocol(settings))?;
        words.set_item("object", object)?;
        let (callable, interface): (Py<PyAny>, String) = module.call_method("load", (), Some(&words))?.extract()?;
        PyResult::Ok((callable, interface))
    })();
    match found {
        Ok((callable, interface)) => {
            let interface = if interface == "wsgi" { Interface::Wsgi } else { Interface::Asgi };
            Ok(Loaded { callable, interface })
        }
        Err(error) => Err(refused(py, &module, &error)),
    }
}

/// `AppError` says by itself what is wrong; anything else is the module's own failure.
fn refused(py: Python<'_>, module: &Bound<'_, PyModule>, error: &PyErr) -> LaunchError {
    let own = module.getattr("AppError").and_then(|class| error.value(py).is_instance(&class)).unwrap_or(false);
    if own {
        return LaunchError { code: exit::APP_LOAD, reason: error.value(py).to_string() };
    }
    broken(py, error)
}

fn broken(py: Python<'_>, error: &PyErr) -> LaunchError {
    let sentence = sentence(error.value(py));
    let reason = format!("the application cannot be imported: {sentence}\n{}", interp::traceback(py, error));
    LaunchError { code: exit::WORKER_BOOT, reason }
}

/// `ModuleNotFoundError: No module named 'shop'`, on one line.
fn sentence(error: &Bound<'_, PyBaseException>) -> String {
    let class = error.get_type().name().map_or_else(|_| "an exception".to_owned(), |name| name.to_string());
    let text = error.to_string();
    match text.lines().next().unwrap_or_default().trim() {
        "" => class,
        line => format!("{class}: {line}"),
    }
}

fn protocol(settings: &Settings) -> &'static str {
    match settings.python_protocol() {
        Protocol::Unknown => "auto",
        Protocol::Asgi => "asgi",
        Protocol::Asgi3 => "asgi3",
        Protocol::Asgi2 => "asgi2",
        Protocol::Wsgi => "wsgi",
    }
}
