//! An application that wants its worker to leave: by `sys.exit` in a handler of signals, or in what the event loop calls.
//!
//! It leaves in order, as if told by TERM, and then with the code that it has said. A request that raises SystemExit by
//! itself only fails.

use crate::{interp, report};
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use rustcorn::types::exit;
use rustcorn::worker::leave_in_order;
use std::sync::OnceLock;

/// What the first of them has said.
static CODE: OnceLock<i32> = OnceLock::new();

/// The exit code that the application wants.
pub fn code() -> Option<i32> {
    CODE.get().copied()
}

/// Whether this is meant for the process, and no failure.
pub fn is_wish(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PySystemExit>(py) || error.is_instance_of::<PyKeyboardInterrupt>(py)
}

/// The worker leaves.
pub fn begin(py: Python<'_>, error: &PyErr) {
    let code = wanted(py, error);
    if CODE.set(code).is_ok() {
        let why = interp::traceback(py, error);
        report::warning(&format!("The application wants its worker to leave with code {code}\n{}", why.trim_end()));
    }
    leave_in_order();
}

/// A handler of signals runs in the middle of whatever runs, which may be a request: the worker leaves all the same. True: so
/// it does, and has said why.
pub fn begin_if_signalled(py: Python<'_>, error: &PyErr) -> bool {
    if !is_wish(py, error) {
        return false;
    }
    let asked = py.import(intern!(py, "rustcorn._asgi"));
    let asked =
        asked.and_then(|helpers| helpers.call_method1(intern!(py, "is_of_a_signal"), (interp::raised(py, error),)));
    let is_signalled = asked.and_then(|answer| answer.is_truthy()).unwrap_or(false);
    if is_signalled {
        begin(py, error);
    }
    is_signalled
}

/// As the interpreter has it: none is success, what is no number is told and means failure.
fn wanted(py: Python<'_>, error: &PyErr) -> i32 {
    let Ok(code) = error.value(py).getattr(intern!(py, "code")) else { return exit::FAILURE };
    if code.is_none() {
        return exit::OK;
    }
    // The kernel keeps a byte of it.
    code.extract::<i64>().map_or(exit::FAILURE, |code| i32::from(code.to_le_bytes()[0]))
}
