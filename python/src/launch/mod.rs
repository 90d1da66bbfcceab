//! What a fresh child runs: a Python application, or a Rust library as everywhere else.

mod kind;
mod opened;

use crate::hooks::{Config, ServerHooks};
use crate::host::{self, Plan};
use crate::{config, hooks, interp};
use kind::Kind;
use opened::Opened;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::Settings;
use rustcorn::abi::Seat;
use rustcorn::arbiter::{Hooks, LaunchError, Launcher, Names, PrepareError, WatchPlan};
use rustcorn::cli::{self, Program, ScriptReader};
use rustcorn::launch::LibraryLauncher;
use rustcorn::settings::OPTIONS;
use rustcorn::types::Generation;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders and files that are not watched.
const EXCLUDES: [&str; 4] = [".*", "node_modules", "site-packages", "__pycache__"];

/// Launches applications of both languages.
pub struct PythonLauncher {
    library: LibraryLauncher,
    /// The generations whose application is Python's.
    plans: BTreeMap<Generation, Plan>,
    /// What the application was made from, as workers have told.
    imported: BTreeSet<PathBuf>,
    /// What the settings file wants to be run.
    hooks: ServerHooks,
    /// The application, where the program has handed it over as an object.
    object: Option<Py<PyAny>>,
    /// The interpreter and its arguments.
    command: Option<Vec<OsString>>,
    /// What the program has opened, for its objects in the workers.
    opened: Opened,
}

impl PythonLauncher {
    /// A launcher for what the settings will name, or for this object. What is open now stays open in workers.
    #[must_use]
    pub fn new(object: Option<Py<PyAny>>, command: Option<Vec<OsString>>) -> Self {
        let hooks = ServerHooks::default();
        Self {
            library: LibraryLauncher::default(),
            plans: BTreeMap::new(),
            imported: BTreeSet::new(),
            hooks,
            object,
            command,
            opened: Opened::now(),
        }
    }
}

impl Launcher for PythonLauncher {
    fn prepare(&mut self, generation: Generation, settings: &Settings) -> Result<(), PrepareError> {
        let kind = match self.object {
            Some(_) => Kind::Python,
            None => Python::attach(|py| kind::of(py, settings)).map_err(PrepareError::Refused)?,
        };
        let config = Python::attach(Config::newest);
        if let Some(config) = &config {
            let config = Python::attach(|py| config.clone_ref(py));
            self.hooks.insert(generation, config, settings);
        }
        match kind {
            Kind::Library => self.library.prepare(generation, settings),
            Kind::Python => {
                let object = self.object.as_ref().map(|object| Python::attach(|py| object.clone_ref(py)));
                self.plans.insert(
                    generation,
                    Plan { settings: settings.clone(), object, config, preloaded: RefCell::default() },
                );
                Ok(())
            }
        }
    }

    fn forget(&mut self, generation: Generation) {
        self.plans.remove(&generation);
        self.hooks.forget(generation);
        self.library.forget(generation);
    }

    fn descriptors(&self, generation: Generation) -> Vec<i32> {
        let mut descriptors = self.library.descriptors(generation);
        descriptors.extend(hooks::descriptors());
        if self.plans.contains_key(&generation) {
            descriptors.extend(self.opened.still());
        }
        descriptors
    }

    fn hooks(&self) -> &dyn Hooks {
        &self.hooks
    }

    fn rehearse(&self, generation: Generation) -> Result<(), String> {
        let Some(plan) = self.plans.get(&generation) else { return self.library.rehearse(generation) };
        let loaded = Python::attach(|py| host::load(py, plan).map(drop));
        loaded.map_err(|LaunchError { reason, .. }| reason)
    }

    fn preloads(&self, generation: Generation) -> bool {
        self.plans.get(&generation).is_some_and(|plan| plan.settings.preload_app)
    }

    fn preload(&self, generation: Generation) -> Result<(), LaunchError> {
        self.plans.get(&generation).map_or(Ok(()), host::preload)
    }

    fn launch(&self, generation: Generation, seat: &Seat) -> Result<i32, LaunchError> {
        match self.plans.get(&generation) {
            Some(plan) => Ok(host::launch(plan, seat)),
            None => self.library.launch(generation, seat),
        }
    }

    fn watch(&self, settings: &Settings) -> Result<WatchPlan, String> {
        if self.plans.is_empty() {
            return self.library.watch(settings);
        }
        let words = (&settings.app_dir, &settings.pythonpath, &settings.reload_dirs);
        let folders = Python::attach(|py| py.import("rustcorn._reload")?.call_method1("folders", words)?.extract());
        let mut paths: Vec<PathBuf> = folders.map_err(|error: PyErr| error.to_string())?;
        if let Some(missing) = paths.iter().find(|folder| !folder.is_dir()) {
            return Err(format!("reload_dirs: {} is no directory", missing.display()));
        }
        paths.extend(self.imported.iter().filter(|file| file.parent().is_some_and(Path::is_dir)).cloned());
        paths.extend(settings.config.iter().filter(|file| file.is_file()).cloned());
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut names =
            Names { includes: owned(&["*.py"]), excludes: owned(&EXCLUDES), excluded_by: Some("pyvenv.cfg") };
        names.includes.extend(settings.reload_includes.iter().cloned());
        names.excludes.extend(settings.reload_excludes.iter().cloned());
        Ok(WatchPlan { paths, names: Some(names), build: None })
    }

    fn imported(&mut self, files: Vec<PathBuf>) {
        // Not all at once, if they are many; and what is not imported any more may be again.
        self.imported.extend(files);
    }

    fn kind(&self, settings: &Settings) -> &'static str {
        if self.plans.is_empty() { self.library.kind(settings) } else { "python" }
    }

    fn command(&self) -> Option<Command> {
        let (program, arguments) = self.command.as_deref()?.split_first()?;
        let mut command = Command::new(program);
        command.args(arguments);
        Some(command)
    }
}

/// The whole life of the command `rustcorn` with these words; the exit code. With `object`, that is the application.
/// `command` starts this program again: the interpreter and its arguments.
#[pyfunction]
#[pyo3(signature = (words, *, object = None, command = None))]
pub fn start(
    py: Python<'_>,
    words: Vec<OsString>,
    object: Option<Py<PyAny>>,
    command: Option<Vec<OsString>>,
) -> PyResult<i32> {
    let threads = rustcorn::sys::process::thread_count()?;
    if threads != 1 {
        return Err(PyRuntimeError::new_err(format!(
            "rustcorn forks its workers, which takes a process with one thread; this one has {threads}: \
             call it before anything starts threads"
        )));
    }
    interp::join_forks();
    // Threads that a settings file starts go on while the arbiter waits.
    let program = Program::with_python(ScriptReader { read: config::read, amend: config::amend });
    Ok(py.detach(|| cli::obey(&program, &mut PythonLauncher::new(object, command), words)))
}

/// Every cipher suite that can be spoken: its names at IANA and in OpenSSL, the same for those of TLS 1.3.
#[pyfunction]
pub fn cipher_suites() -> Vec<(&'static str, &'static str)> {
    rustcorn::tls::cipher_suites().collect()
}

/// Every option that a command line takes, for `run`: its key, with flag, opposite flag (or None), whether it may be
/// repeated, whether it takes a value, and the environment variable of one that nobody is to see (or None).
#[pyfunction]
pub fn options(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    for spec in OPTIONS.iter().filter(|spec| !spec.positional) {
        let takes_value = spec.kind.placeholder().is_some();
        let hidden = spec.secret.then(|| spec.variable());
        let row = (spec.long_flag(), spec.no_flag(), spec.kind.is_list(), takes_value, hidden);
        let names = [spec.key.to_owned(), spec.long_flag().replace('-', "_")];
        let aliases = spec.aliases.iter().map(|alias| alias.replace('-', "_"));
        for name in names.into_iter().chain(aliases) {
            table.set_item(name, row.clone())?;
        }
    }
    Ok(table)
}
