//! `wsgi.errors`.

use crate::report;
use pyo3::prelude::*;
use pyo3::types::PyString;

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

    /// Other threads may write between the lines: whatever makes these is Python's.
    fn writelines(slf: &Bound<'_, Self>, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            let line = line?;
            slf.try_borrow_mut()?.write(line.cast::<PyString>()?)?;
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
        report::error(lines);
    }
}
