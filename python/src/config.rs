//! The settings file that is a program: Python runs it (`rustcorn/_config.py`), and here it becomes what the settings
//! take. It runs in the arbiter, as Gunicorn's does, since hooks of the arbiter's are in it; each reload runs it anew.

use crate::{hooks, interp, report};
use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;
use rustcorn::Settings;
use rustcorn::settings::{Amendment, Fault, Place, Problem, Said, Script, ScriptValue, SettingsError};
use std::path::Path;

/// As Python hands over what a file has said: the name, the line, whether the file reads it, the kind of the value, and
/// its texts.
type Value = (String, usize, bool, String, Vec<String>);

/// A line, a name in it, and the rest of the sentence that begins with the name.
type Mistake = (usize, String, String);

/// What a hook has made of the settings: its name, where it is, what is other, what is wrong, what is weaker, what to warn
/// of.
type Amended = (String, String, Vec<Value>, Vec<Mistake>, Vec<String>, Vec<String>);

/// Runs the settings file of this location.
///
/// # Errors
/// It failed, which is told in one line; the traceback is in the log by then. Or hooks in it cannot be run.
pub fn read(location: &str, directory: &Path) -> Result<Script, SettingsError> {
    Python::attach(|py| {
        let answer = py
            .import("rustcorn._config")
            .and_then(|module| module.call_method1("read", (location, directory))?.extract());
        let (path, values, mistakes): (String, Vec<Value>, Vec<Mistake>) =
            answer.map_err(|error| failed(py, location, directory, &error))?;
        script(path, values, mistakes)
    })
}

/// What the hook `ssl_context` makes of these settings, if there is one. It runs in the directory.
///
/// # Errors
/// It failed, or wants what cannot be had.
pub fn amend(settings: &Settings, directory: &Path) -> Result<Amendment, SettingsError> {
    Python::attach(|py| {
        let answer = hooks::values(py, settings).and_then(|settings| {
            py.import("rustcorn._config")?.call_method1("amend", (settings, directory))?.extract()
        });
        let (hook, path, values, mistakes, weakened, warnings): Amended =
            answer.map_err(|error| failed(py, "ssl_context", directory, &error))?;
        Ok(Amendment { hook, script: script(path, values, mistakes)?, weakened, warnings })
    })
}

fn script(path: String, values: Vec<Value>, mistakes: Vec<Mistake>) -> Result<Script, SettingsError> {
    let problems = mistakes.into_iter().map(|(line, key, why)| Problem {
        place: Place::File { path: path.clone().into(), line, column: 1 },
        fault: Fault::NotHere { key, why },
    });
    let problems: Vec<Problem> = problems.collect();
    if !problems.is_empty() {
        return Err(SettingsError { problems });
    }
    let values = values.into_iter().map(|(name, line, used, kind, texts)| ScriptValue {
        name,
        line,
        used,
        said: said(&kind, texts),
    });
    Ok(Script { path: path.into(), values: values.collect() })
}

fn said(kind: &str, mut texts: Vec<String>) -> Said {
    let text = if kind == "list" { String::new() } else { texts.pop().unwrap_or_default() };
    match kind {
        "none" => Said::Nothing,
        "switch" => Said::Switch(text == "true"),
        "number" => Said::Number(text),
        "text" => Said::Text(text),
        "list" => Said::List(texts),
        _ => Said::Other(text),
    }
}

/// The traceback goes to the log at once: a problem is one line.
fn failed(py: Python<'_>, location: &str, directory: &Path, error: &PyErr) -> Problem {
    let traceback = interp::traceback(py, error);
    report::error(&format!("The settings file {location} failed\n{}", traceback.trim_end()));
    let message = traceback.trim_end().lines().last().unwrap_or_default().to_owned();
    let path = location.into();
    let line = line_of(py, error, &directory.join(location));
    let place = line.map_or_else(|| Place::WholeFile(location.into()), |line| Place::File { path, line, column: 1 });
    Problem { place, fault: Fault::Failed { message } }
}

/// The innermost line of the file itself on the way to the exception.
fn line_of(py: Python<'_>, error: &PyErr, file: &Path) -> Option<usize> {
    if error.is_instance_of::<PySyntaxError>(py) {
        let value = error.value(py);
        let name: String = value.getattr("filename").ok()?.extract().ok()?;
        return if Path::new(&name) == file { value.getattr("lineno").ok()?.extract().ok() } else { None };
    }
    let mut found = None;
    let mut step = error.traceback(py).map(pyo3::Bound::into_any);
    while let Some(here) = step.filter(|here| !here.is_none()) {
        let code = here.getattr("tb_frame").and_then(|frame| frame.getattr("f_code")?.getattr("co_filename"));
        if code.and_then(|name| name.extract::<String>()).is_ok_and(|name| Path::new(&name) == file) {
            found = here.getattr("tb_lineno").and_then(|line| line.extract()).ok();
        }
        step = here.getattr("tb_next").ok();
    }
    found
}
