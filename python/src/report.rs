//! Python's errors, for the operator log.

use crate::asked::Asked;
use crate::interp;
use pyo3::prelude::*;
use rustcorn::log;
use rustcorn::types::Level;

/// Writes to the operator log.
pub fn error(message: &str) {
    log::line(Level::Error, format_args!("{message}"));
}

/// Writes to the operator log.
pub fn warning(message: &str) {
    log::line(Level::Warning, format_args!("{message}"));
}

/// Writes to the operator log.
pub fn info(message: &str) {
    log::line(Level::Info, format_args!("{message}"));
}

/// Writes to the operator log.
pub fn debug(message: &str) {
    log::line(Level::Debug, format_args!("{message}"));
}

/// An exception: what it is in one line, and the traceback below.
#[must_use]
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    let module = py.import("rustcorn._errors");
    let text = module.and_then(|module| module.call_method1("described", (interp::raised(py, error),))?.extract());
    text.unwrap_or_else(|_| error.to_string())
}

/// An application has failed with a request: said by Python's logging, where tools listen that collect such failures.
/// Without an exception, `what` says it all. Python may do anything meanwhile.
pub fn failure(py: Python<'_>, what: &str, request: Option<&Asked>, error: Option<&PyErr>) {
    let request = request.map_or_else(|| "a request".to_owned(), ToString::to_string);
    let exception = error.map(|error| interp::raised(py, error));
    let told = py.import("rustcorn._logging");
    let told = told.and_then(|module| module.call_method1("failed", (exception, what, &request)).map(drop));
    if let Err(failed) = told {
        let why = error.map_or_else(String::new, |error| format!(": {}", describe(py, error)));
        self::error(&format!("{}{why}", what.replace("%s", &request)));
        self::error(&format!("Python's logging failed: {}", describe(py, &failed)));
    }
}
