//! Gunicorn's server hooks: from the arbiter and the worker to `rustcorn/_hooks.py`. Without a settings file in Python
//! nothing happens.

use crate::{interp, report};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rustcorn::Settings;
use rustcorn::arbiter::{Hooks, Newcomer, Server};
use rustcorn::settings::{OPTIONS, Value};
use rustcorn::types::{Generation, Pid, SlotId};
use std::collections::BTreeMap;

/// A settings file that was run, with its functions.
pub struct Config(Py<PyAny>);

impl Config {
    /// The newest that was read; none: the settings came from elsewhere.
    pub fn newest(py: Python<'_>) -> Option<Self> {
        let newest = py.import("rustcorn._config").and_then(|module| module.getattr("newest")).ok()?;
        (!newest.is_none()).then(|| Self(newest.unbind()))
    }

    /// Another reference to it.
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self(self.0.clone_ref(py))
    }

    /// `logconfig_dict`.
    pub fn logging<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).getattr("logconfig_dict")
    }

    fn has(&self, hook: &str) -> bool {
        let found = Python::attach(|py| self.0.bind(py).call_method1("hook", (hook,)).map(|hook| !hook.is_none()));
        found.unwrap_or(false)
    }

    /// In a fresh worker: `post_fork`.
    pub fn enter(&self, settings: &Settings, newcomer: &Newcomer) -> Result<(), String> {
        Python::attach(|py| {
            let facts =
                facts(py, Pid(rustcorn::sys::process::parent_pid().0), settings, &settings.bind, settings.workers);
            facts.and_then(|facts| {
                let [slot, age] = numbers(newcomer).map(|number| number.into_pyobject(py));
                self.ask(py, "enter", vec![facts.into_any(), slot?.into_any(), age?.into_any()])
            })
        })
        .unwrap_or_else(|error| Err(error.to_string()))
    }

    /// The application is there: `post_worker_init`.
    pub fn loaded(&self, py: Python<'_>, app: &Bound<'_, PyAny>) -> Result<(), String> {
        self.ask(py, "loaded", vec![app.clone()]).unwrap_or_else(|error| Err(report::describe(py, &error)))
    }

    /// `worker_int` and `worker_exit`.
    pub fn leave(&self, py: Python<'_>, quick: bool) {
        let quick = pyo3::types::PyBool::new(py, quick).to_owned().into_any();
        let _ = self.ask(py, "leave", vec![quick]).map_err(|error| report::error(&report::describe(py, &error)));
    }

    /// The application with `pre_request` and `post_request` around it.
    pub fn wrap<'py>(&self, app: &Bound<'py, PyAny>, interface: &str) -> PyResult<Bound<'py, PyAny>> {
        let py = app.py();
        module(py)?.call_method1("wrap", (self.0.bind(py), app, interface))
    }

    /// What a function of the module answers: nothing, or a sentence.
    fn ask<'py>(&self, py: Python<'py>, function: &str, more: Vec<Bound<'py, PyAny>>) -> PyResult<Result<(), String>> {
        let args = PyTuple::new(py, [self.0.bind(py).clone()].into_iter().chain(more).collect::<Vec<_>>())?;
        let said: Option<String> = module(py)?.getattr(function)?.call1(args)?.extract()?;
        Ok(said.map_or(Ok(()), Err))
    }

    fn call(&self, hook: &str, server: &Server<'_>, more: &[i64]) -> Result<(), String> {
        Python::attach(|py| {
            let told = (|| {
                let facts = facts(py, server.pid, server.settings, &server.addresses, server.wanted)?;
                let mut args = vec![hook.into_pyobject(py)?.into_any(), facts.into_any()];
                for number in more.iter().copied() {
                    // What was not there before is None.
                    args.push(if number < 0 { py.None().into_bound(py) } else { number.into_pyobject(py)?.into_any() });
                }
                self.ask(py, "call", args)
            })();
            told.unwrap_or_else(|error| Err(interp::traceback(py, &error)))
        })
    }
}

/// Descriptors that settings files and hooks have opened, and that are still theirs.
pub fn descriptors() -> Vec<i32> {
    let asked = Python::attach(|py| py.import("rustcorn._around")?.call_method0("kept")?.extract());
    asked.unwrap_or_default()
}

/// What Python is told of a worker that is made.
fn numbers(newcomer: &Newcomer) -> [i64; 2] {
    [newcomer.slot.0.into(), newcomer.age.into()]
}

fn tell_failure(py: Python<'_>, error: &PyErr) {
    report::error(&report::describe(py, error));
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("rustcorn._hooks")
}

fn facts<'py>(
    py: Python<'py>,
    pid: Pid,
    settings: &Settings,
    addresses: &[String],
    wanted: u16,
) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("pid", pid.0)?;
    facts.set_item("wanted", wanted)?;
    facts.set_item("addresses", addresses)?;
    facts.set_item("settings", values(py, settings)?)?;
    Ok(facts)
}

/// The settings by key, as Python has such values.
pub fn values<'py>(py: Python<'py>, settings: &Settings) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for spec in OPTIONS {
        let value = match spec.of(settings) {
            None => py.None().into_bound(py),
            Some(Value::Switch(on)) => on.into_pyobject(py)?.to_owned().into_any(),
            Some(Value::Integer(number) | Value::Bytes(number)) => number.into_pyobject(py)?.into_any(),
            Some(Value::Mode(bits)) => bits.into_pyobject(py)?.into_any(),
            Some(Value::Seconds(span)) if span.subsec_nanos() == 0 => span.as_secs().into_pyobject(py)?.into_any(),
            Some(Value::Seconds(span)) => span.as_secs_f64().into_pyobject(py)?.into_any(),
            Some(Value::Text(text)) => text.into_pyobject(py)?.into_any(),
            Some(Value::List(texts)) => texts.into_pyobject(py)?,
        };
        values.set_item(spec.key, value)?;
    }
    Ok(values)
}

/// The hooks of each generation, and those of the arbiter: the newest's.
#[derive(Default)]
pub struct ServerHooks {
    by_generation: BTreeMap<Generation, (Config, Settings)>,
}

impl ServerHooks {
    /// These settings came from this file.
    pub fn insert(&mut self, generation: Generation, config: Config, settings: &Settings) {
        self.by_generation.insert(generation, (config, settings.clone()));
    }

    /// No worker of it will be started any more.
    pub fn forget(&mut self, generation: Generation) {
        self.by_generation.remove(&generation);
    }

    /// Those of a generation.
    pub fn of(&self, generation: Generation) -> Option<&Config> {
        self.by_generation.get(&generation).map(|(config, _)| config)
    }

    fn call(&self, hook: &str, server: &Server<'_>, more: &[i64]) -> Result<(), String> {
        self.by_generation.values().next_back().map_or(Ok(()), |(config, _)| config.call(hook, server, more))
    }

    /// The traceback is in the log; the arbiter goes on.
    fn tell(&self, hook: &str, server: &Server<'_>, more: &[i64]) {
        let _ = self.call(hook, server, more);
    }
}

impl Hooks for ServerHooks {
    fn starting(&self, server: &Server<'_>) -> Result<(), String> {
        self.tell("nworkers_changed", server, &[server.wanted.into(), -1]);
        self.call("on_starting", server, &[])
    }

    fn listening(&self, server: &Server<'_>) -> Result<(), String> {
        self.call("when_ready", server, &[])
    }

    fn reloading(&self, server: &Server<'_>) -> Result<(), String> {
        self.call("on_reload", server, &[])
    }

    fn forking(&self, server: &Server<'_>, newcomer: &Newcomer) -> Result<(), String> {
        let config = self.of(newcomer.generation);
        config.map_or(Ok(()), |config| config.call("pre_fork", server, &numbers(newcomer)))
    }

    fn pack(&self, newcomer: &Newcomer) -> String {
        if self.of(newcomer.generation).is_none() {
            return String::new();
        }
        let packed = Python::attach(|py| {
            module(py)?.call_method1("pack", (newcomer.slot.0,))?.extract().inspect_err(|error| tell_failure(py, error))
        });
        packed.unwrap_or_default()
    }

    fn unpack(&self, newcomer: &Newcomer, packed: &str) {
        if packed.is_empty() {
            return;
        }
        Python::attach(|py| {
            let [slot, age] = numbers(newcomer);
            let unpacked = module(py).and_then(|module| module.call_method1("unpack", (slot, age, packed)));
            drop(unpacked.inspect_err(|error| tell_failure(py, error)));
        });
    }

    fn forked(&self, slot: SlotId, pid: Pid) {
        if !self.by_generation.is_empty() {
            let _ = Python::attach(|py| module(py)?.call_method1("forked", (slot.0, pid.0)).map(drop));
        }
    }

    fn in_worker(&self, newcomer: &Newcomer) -> Result<(), String> {
        let found = self.by_generation.get(&newcomer.generation);
        found.map_or(Ok(()), |(config, settings)| config.enter(settings, newcomer))
    }

    fn reaped(&self, server: &Server<'_>, pid: Pid) {
        self.tell("child_exit", server, &[pid.0.into()]);
    }

    fn number_changed(&self, server: &Server<'_>, before: Option<u16>) {
        // The first number was told before everything else.
        if let Some(before) = before {
            self.tell("nworkers_changed", server, &[server.wanted.into(), before.into()]);
        }
    }

    fn want_upgrades(&self) -> bool {
        self.by_generation.values().next_back().is_some_and(|(config, _)| config.has("pre_exec"))
    }

    fn upgrading(&self, server: &Server<'_>) {
        self.tell("pre_exec", server, &[]);
    }

    fn exiting(&self, server: &Server<'_>) {
        self.tell("on_exit", server, &[]);
    }
}
