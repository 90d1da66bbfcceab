//! Python's errors, for the operator log.

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
    let text = interp::traceback(py, error);
    let text = text.trim_end();
    match text.lines().last() {
        Some(last) if !last.starts_with(' ') && last != text => format!("{last}\n{text}"),
        _ => text.to_owned(),
    }
}
