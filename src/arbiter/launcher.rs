//! The plug between the arbiter and the different kinds of application.
//!
//! The arbiter forks; what a fresh child runs is handed in from above: a library loaded by name, or an application that
//! is linked into this very program. So the arbiter knows neither loaders nor event loops.

use super::hooks::{Hooks, NoHooks};
use crate::abi::Seat;
use crate::settings::Settings;
use crate::sys;
use crate::types::{Generation, Pid, exit};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// One way of bringing an application into a worker. What is not said otherwise holds for one that is there already, as
/// one that is linked into the program.
pub trait Launcher {
    /// Takes what the workers of this generation will run, so that later changes on disk cannot reach them.
    ///
    /// # Errors
    /// When the application cannot be found or accepted: exit code 4 at the first start, a refused reload later. Or when
    /// it has to be built first, which only the first start does.
    fn prepare(&mut self, _generation: Generation, _settings: &Settings) -> Result<(), PrepareError> {
        Ok(())
    }

    /// No worker of this generation will be started any more.
    fn forget(&mut self, _generation: Generation) {}

    /// Descriptors that a worker of this generation needs besides those named in the seat.
    fn descriptors(&self, _generation: Generation) -> Vec<i32> {
        Vec::new()
    }

    /// Loads the application into this process and lets it be: the end of `--check-config`.
    ///
    /// # Errors
    /// One sentence, when it cannot be loaded.
    fn rehearse(&self, _generation: Generation) -> Result<(), String> {
        Ok(())
    }

    /// Whether the application of this generation is loaded once, by a process that its workers are forked from.
    fn preloads(&self, _generation: Generation) -> bool {
        false
    }

    /// Loads the application into this process, which workers are forked from then: [`Self::launch`] finds it there.
    ///
    /// # Errors
    /// When it cannot be loaded.
    fn preload(&self, _generation: Generation) -> Result<(), LaunchError> {
        Ok(())
    }

    /// Runs in the forked child: loads and serves, returns the exit code of the process.
    ///
    /// # Errors
    /// When the application never got to run here.
    fn launch(&self, generation: Generation, seat: &Seat) -> Result<i32, LaunchError>;

    /// What `--reload` watches and how it builds.
    ///
    /// # Errors
    /// One sentence, when this kind of application cannot be watched.
    fn watch(&self, settings: &Settings) -> Result<WatchPlan, String>;

    /// A worker tells what its application was made from, or a part of it: [`Self::watch`] names it from now on.
    fn imported(&mut self, _files: Vec<PathBuf>) {}

    /// What the list of processes and the log call this kind of application.
    fn kind(&self, _settings: &Settings) -> &'static str {
        "rust"
    }

    /// What an operator wants to be run in the arbiter.
    fn hooks(&self) -> &dyn Hooks {
        &NoHooks
    }

    /// How this program is started again for an upgrade, where its own arguments do not say it: an interpreter is not
    /// the program that an operator has called.
    fn command(&self) -> Option<Command> {
        None
    }
}

/// Why a worker has not got to its application.
#[derive(Debug, PartialEq, Eq)]
pub struct LaunchError {
    /// The exit code of the worker, and of a first start.
    pub code: i32,
    /// One sentence, perhaps with a traceback below it.
    pub reason: String,
}

impl From<String> for LaunchError {
    /// The application cannot be loaded.
    fn from(reason: String) -> Self {
        Self { code: exit::APP_LOAD, reason }
    }
}

/// Why an application is not there.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It has never been built, or its library is gone.
    #[error("the library of {name} is not there; build it with cargo build --package {name}")]
    NotBuilt {
        /// The cargo package.
        name: String,
        /// What builds it.
        build: Build,
    },
    /// One sentence.
    #[error("{0}")]
    Refused(String),
}

/// What `--reload` has to do for an application.
#[derive(Debug, Default)]
pub struct WatchPlan {
    /// Folders whose every file counts, and single files.
    pub paths: Vec<PathBuf>,
    /// Which files in the folders count; none: all.
    pub names: Option<Names>,
    /// The build to run after a change; none: the changed file itself is the application.
    pub build: Option<Build>,
}

/// Names of files and folders, as patterns of a shell.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Files that count.
    pub includes: Vec<String>,
    /// Files that do not, and folders that are not looked into.
    pub excludes: Vec<String>,
    /// Folders in which there is such a file are not looked into.
    pub excluded_by: Option<&'static str>,
}

/// A build command, kept as its parts because `Command` can be used for one run only.
#[derive(Debug, Clone)]
pub struct Build {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
}

impl Build {
    /// The parts of a command.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        let argv = std::iter::once(command.get_program()).chain(command.get_args()).map(Into::into).collect();
        Self { argv, cwd: command.get_current_dir().map_or_else(|| PathBuf::from("."), Into::into) }
    }

    /// Starts it. Its compiler speaks to the terminal by itself; it leads a process group of its own, so that a cancelled
    /// build takes its compilers with it, and it ends with us.
    ///
    /// # Errors
    /// If it cannot be started: one sentence.
    pub fn start(&self) -> Result<Pid, String> {
        use std::os::unix::process::CommandExt;
        let Some((program, args)) = self.argv.split_first() else { return Err("there is nothing to run".into()) };
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.cwd).stdin(std::process::Stdio::null()).process_group(0);
        sys::process::die_with_parent(&mut command);
        let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        Ok(Pid(child.id().cast_signed()))
    }
}
