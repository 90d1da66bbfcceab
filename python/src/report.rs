//! Python's errors, for the operator log.

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
pub fn debug(message: &str) {
    log::line(Level::Debug, format_args!("{message}"));
}

/// An exception as Python prints it: what it is, and the traceback below.
#[must_use]
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    let lines = || -> PyResult<String> {
        let format = py.import("traceback")?.getattr("format_exception")?;
        let lines: Vec<String> = format.call1((error.value(py),))?.extract()?;
        Ok(lines.concat())
    };
    let text = lines().unwrap_or_else(|_| error.to_string());
    let text = text.trim_end();
    // The last line says what it is; a reader of the log wants that first.
    match text.rsplit_once('\n') {
        Some((_, last)) if !last.starts_with(' ') => format!("{last}\n{text}"),
        _ => format!("{error}\n{text}"),
    }
}
