//! The interpreter that we live in: what it wants around forks, what it has to learn in a fresh worker, how it ends.

#![allow(unsafe_code)]

use pyo3::exceptions::{PyBaseException, PyKeyboardInterrupt, PySystemExit};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rustcorn::Settings;
use rustcorn::sys::fork::{self, Hooks};
use rustcorn::types::{Level, Signal};
use std::cell::Cell;
use std::time::Duration;

/// How long what is printed waits for whoever reads the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// From now on the interpreter takes part in every fork.
pub fn join_forks() {
    fork::set_hooks(Hooks { before: before_fork, in_parent: after_fork_in_parent, in_child: after_fork_in_child });
}

thread_local! {
    /// How the thread that forks was attached before.
    static ATTACHED: Cell<Option<ffi::PyGILState_STATE>> = const { Cell::new(None) };
}

fn before_fork() {
    // SAFETY: the interpreter lives as long as the process, and whoever forks may attach itself to it: it runs the arbiter
    // or what came of it, which Python has called.
    unsafe {
        ATTACHED.set(Some(ffi::PyGILState_Ensure()));
        ffi::PyOS_BeforeFork();
    }
}

fn after_fork_in_parent() {
    // SAFETY: `before_fork` has attached this thread.
    unsafe { ffi::PyOS_AfterFork_Parent() }
    detach();
}

fn after_fork_in_child() {
    // SAFETY: the child's only thread is the copy of the one that was attached.
    unsafe { ffi::PyOS_AfterFork_Child() }
    detach();
}

fn detach() {
    if let Some(before) = ATTACHED.take() {
        // SAFETY: what `PyGILState_Ensure` has told this thread, or the one that it is a copy of.
        unsafe { ffi::PyGILState_Release(before) }
    }
}

/// Makes a fresh worker's interpreter fit for an application: its environment is the process's, `print` is seen at once,
/// logging and warnings go to the operator log. `logging` is a configuration as `logging.config.dictConfig` takes it.
///
/// # Errors
/// The logging configuration that the settings name cannot be used.
pub fn enter_worker(py: Python<'_>, settings: &Settings, logging: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    adopt_environment(py)?;
    let options = PyDict::new(py);
    options.set_item("level", level_number(settings.loglevel))?;
    options.set_item("config", &settings.logconfig)?;
    options.set_item("config_json", &settings.logconfig_json)?;
    options.set_item("config_dict", logging)?;
    options.set_item("inherits_output", settings.enable_stdio_inheritance)?;
    py.import("rustcorn._logging")?.call_method("enter_worker", (), Some(&options))?;
    Ok(())
}

/// Python's own handler of INT, which raises KeyboardInterrupt, is known to libraries: `asyncio.run` takes its place, and puts
/// it back afterwards. From then on the worker would not hear the signal. What is not Python's own is left alone.
///
/// # Errors
/// Python's, or the system's.
pub fn keep_interrupts(py: Python<'_>) -> PyResult<()> {
    let displaced = || py.import("rustcorn._signals")?.call_method0("displace_interrupts").map(drop);
    rustcorn::sys::signal::keeping(Signal::INT, displaced)?
}

/// `os.environ` is a copy from the start of the interpreter; the arbiter has changed the process's since.
fn adopt_environment(py: Python<'_>) -> PyResult<()> {
    let environ = py.import("os")?.getattr("environ")?;
    let now: Vec<_> = std::env::vars_os().collect();
    for known in environ.call_method0("keys")?.try_iter()?.collect::<PyResult<Vec<_>>>()? {
        let name: std::ffi::OsString = known.extract()?;
        if !now.iter().any(|(it, _)| *it == name) {
            environ.del_item(known)?;
        }
    }
    for (name, value) in now {
        environ.set_item(name, value)?;
    }
    environ.set_item("SERVER_SOFTWARE", concat!("rustcorn/", env!("CARGO_PKG_VERSION")))
}

/// After the import: what the application has not set up is set up for it.
pub fn settle_logging(py: Python<'_>) {
    tell_failure(py, py.import("rustcorn._logging").and_then(|module| module.call_method0("settle")));
}

/// The end of a worker, as the end of a program: exit handlers run, what was printed is written. The process then leaves
/// without the rest of Python's end, which would wait for threads.
pub fn leave_worker(py: Python<'_>) {
    // A handler of the application's for the signal that ends us may not have run yet, and what it mostly wants is the
    // end that is here; raised below, it would keep exit handlers from running.
    if let Err(error) = py.check_signals()
        && !error.is_instance_of::<PySystemExit>(py)
        && !error.is_instance_of::<PyKeyboardInterrupt>(py)
    {
        rustcorn::log::write(Level::Error, &traceback(py, &error));
    }
    tell_failure(py, py.import("rustcorn._logging").and_then(|module| module.call_method0("leave_worker")));
}

fn tell_failure(py: Python<'_>, done: PyResult<Bound<'_, PyAny>>) {
    if let Err(error) = done {
        rustcorn::log::write(Level::Error, &traceback(py, &error));
    }
}

/// An exception as Python prints it.
#[must_use]
pub fn traceback(py: Python<'_>, error: &PyErr) -> String {
    let module = py.import("rustcorn._errors");
    let text = module.and_then(|module| module.call_method1("traceback", (raised(py, error),))?.extract());
    text.unwrap_or_else(|_| error.to_string())
}

/// An exception with its traceback. Before 3.12, one that comes from C has it beside it.
pub fn raised<'py>(py: Python<'py>, error: &PyErr) -> Bound<'py, PyBaseException> {
    let exception = error.value(py);
    if let Some(traceback) = error.traceback(py) {
        drop(exception.setattr("__traceback__", traceback));
    }
    exception.clone()
}

/// Writes a line to the operator log: `level` is one of the numbers of Python's `logging`.
#[pyfunction]
pub fn log(level: i64, message: &Bound<'_, PyString>) {
    // Text may hold what UTF-8 cannot.
    rustcorn::log::write(level_of(level), &message.to_string_lossy());
}

/// The same for what is printed, which waits for a slow reader, as print does; not for ever, or the worker would hang.
#[pyfunction]
pub fn say(py: Python<'_>, level: i64, message: &Bound<'_, PyString>) {
    let message = message.to_string_lossy().into_owned();
    py.detach(|| rustcorn::log::write_within(level_of(level), &message, PATIENCE));
}

fn level_of(number: i64) -> Level {
    match number {
        50.. => Level::Critical,
        40.. => Level::Error,
        30.. => Level::Warning,
        20.. => Level::Info,
        10.. => Level::Debug,
        _ => Level::Trace,
    }
}

fn level_number(level: Level) -> u8 {
    match level {
        Level::Trace => 5,
        Level::Debug => 10,
        Level::Info => 20,
        Level::Warning => 30,
        Level::Error => 40,
        Level::Critical => 50,
    }
}
