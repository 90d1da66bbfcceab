//! The stacks of Python's threads, told by a thread that is none of Python's while the interpreter is stuck.
//!
//! `faulthandler` has a signal handler in C that needs neither the interpreter's lock nor its cooperation. It writes to a
//! file in memory; the worker's sentinel sends the signal to the main thread, and reads the file.

use pyo3::prelude::*;
use rustcorn::sys::memfd;
use rustcorn::sys::trace;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::time::Duration;

/// How long the main thread may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

static STACKS: OnceLock<(i32, File)> = OnceLock::new();

/// From now on the sentinel of this worker tells Python's stacks too.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let file = memfd::one_way("stacks")?.0;
    let signals = py.import("signal")?;
    // Of the signals that nobody has a meaning for.
    let signal: i32 = signals.getattr("SIGRTMIN")?.extract::<i32>()? + 5;
    let words = pyo3::types::PyDict::new(py);
    words.set_item("file", file.as_raw_fd())?;
    words.set_item("all_threads", true)?;
    py.import("faulthandler")?.call_method("register", (signal,), Some(&words))?;
    // A process is one worker at most.
    let _ = STACKS.set((signal, file));
    rustcorn::worker::tell_more_stacks(tell);
    Ok(())
}

fn tell() -> Option<String> {
    let (signal, file) = STACKS.get()?;
    trace::written_on_signal(*signal, file, PATIENCE)
}
