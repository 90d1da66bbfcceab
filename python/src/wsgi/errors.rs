//! What goes wrong in Python, for the operator: `wsgi.errors`, and tracebacks.

use crate::interp;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::fmt;

/// An exception of the application, with its traceback.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn of(py: Python<'_>, error: PyErr) -> Self {
        Self(described(py, &error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Writes a line, and the traceback below it.
pub(super) fn log(py: Python<'_>, what: &str, error: &PyErr) {
    let text = described(py, error);
    rustcorn::log::line(rustcorn::types::Level::Error, format_args!("{what}: {text}"));
}

/// The exception in one line, and its traceback below.
pub(super) fn described(py: Python<'_>, error: &PyErr) -> String {
    // Before Python 3.12 an exception that was caught does not know where it came from by itself.
    // Ours have none.
    let Some(traceback) = error.traceback(py) else { return error.to_string() };
    // What fails here only makes the text shorter.
    drop(error.value(py).setattr(intern!(py, "__traceback__"), traceback));
    format!("{error}\n{}", interp::traceback(py, error).trim_end())
}

/// `wsgi.errors`: lines for the operator log.
#[pyclass(name = "ErrorLog", module = "rustcorn")]
#[derive(Default)]
pub(super) struct ErrorLog {
    /// A line that is not complete.
    rest: String,
}

#[pymethods]
impl ErrorLog {
    fn write(&mut self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        // Names of files may have halves of characters: an error is told as well as it can be.
        self.rest.push_str(&text.to_string_lossy());
        if let Some(end) = self.rest.rfind('\n') {
            let lines: String = self.rest.drain(..=end).collect();
            say(&lines);
        }
        text.len()
    }

    fn writelines(&mut self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast::<PyString>()?)?;
        }
        Ok(())
    }

    fn flush(&mut self) {
        say(&std::mem::take(&mut self.rest));
    }

    fn isatty(&self) -> bool {
        false
    }
}

fn say(lines: &str) {
    let lines = lines.trim_end();
    if !lines.is_empty() {
        rustcorn::log::line(rustcorn::types::Level::Error, format_args!("{lines}"));
    }
}
