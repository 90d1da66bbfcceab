//! The upgrade (USR2): a second arbiter, started from the binary on disk, shares our listeners.
//!
//! Two pipes tie the two together: the new one says "ready" on one, and sees on the other, by its end of file, that the
//! old one is gone. Nobody polls process ids.

use super::load::Loads;
use crate::listeners::{self, Listeners};
use crate::log;
use crate::sys;
use crate::sys::exec::Prelude;
use crate::types::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::iter;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

/// `READY,LIFE`: descriptors of the two pipes in the new arbiter.
const PIPES_VARIABLE: &str = "RUSTCORN_UPGRADE_PIPES";

/// How this program was started, kept from before anything could change it.
pub struct Origin {
    argv: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    /// By name: where a deployment switches a link, the new program starts behind the link.
    directory: PathBuf,
    program: PathBuf,
}

impl Origin {
    /// Remembers arguments, environment, directory and program. To be called first of all. An interpreter knows better
    /// than its arguments how it was started, and says so with `command`.
    pub fn remember(command: Option<Command>) -> io::Result<Self> {
        let argv: Vec<_> = match &command {
            Some(command) => iter::once(command.get_program()).chain(command.get_args()).map(Into::into).collect(),
            None => std::env::args_os().collect(),
        };
        let directory = working_directory()?;
        let program = program_path(argv.first().map(OsString::as_os_str))?;
        Ok(Self { argv, environment: std::env::vars_os().collect(), directory, program })
    }
}

/// The working directory as the operator sees it: with the links that led to it, if the shell has told them.
pub fn working_directory() -> io::Result<PathBuf> {
    let real = std::env::current_dir()?;
    let told = std::env::var_os("PWD").map(PathBuf::from).filter(|told| told.is_absolute());
    let same = |told: &PathBuf| told.canonicalize().is_ok_and(|told| told == real);
    Ok(told.filter(same).unwrap_or(real))
}

/// The path to start the program again by. Not `/proc/self/exe`: a deployment that switches a symbolic link means the
/// program behind the link, not the one that it once pointed to.
fn program_path(name: Option<&OsStr>) -> io::Result<PathBuf> {
    let running = || std::env::current_exe();
    let Some(name) = name.filter(|name| !name.is_empty()) else { return running() };
    let path = Path::new(name);
    if path.components().count() > 1 || path.is_absolute() {
        let absolute = std::path::absolute(path)?;
        return if absolute.exists() { Ok(absolute) } else { running() };
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&search).map(|folder| folder.join(path)).find(|file| file.is_file());
    found.map_or_else(running, std::path::absolute)
}

/// The old arbiter's side: a new one was started.
pub struct Successor {
    /// Its process.
    pub pid: Pid,
    ready: File,
    heard: bool,
    /// Held open: its end of file tells the new arbiter that we are gone.
    _life: OwnedFd,
}

impl Successor {
    /// Starts the program on disk with the listeners of the newest load. Its process does `first` before.
    pub fn start(origin: &Origin, loads: &Loads, first: Option<&dyn Fn()>) -> io::Result<Self> {
        let (ready_read, ready_write) = sys::pipe::nonblocking()?;
        let (life_read, life_write) = sys::pipe::nonblocking()?;
        let mut environment = origin.environment.clone();
        // Inherited sockets are told by variables of ours; systemd's would be believed a second time.
        environment.retain(|(name, _)| !name.to_string_lossy().starts_with("LISTEN_") && !is_ours(name));
        let mut fds = vec![ready_write.as_raw_fd(), life_read.as_raw_fd()];
        let pipes = format!("{},{}", ready_write.as_raw_fd(), life_read.as_raw_fd());
        environment.push((PIPES_VARIABLE.into(), pipes.into()));
        if let Some(load) = loads.newest() {
            let (variables, sockets) = load.listeners.export_upgrade();
            environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
            fds.extend(sockets);
        }
        let told = |error: io::Error, what: &Path| io::Error::new(error.kind(), format!("{}: {error}", what.display()));
        let directory = sys::fd::directory(&origin.directory).map_err(|error| told(error, &origin.directory))?;
        let program = &origin.program;
        let failed = |error: &io::Error| log::error!("Upgrade: {} cannot be started: {error}", program.display());
        let prelude = first.map(|run| Prelude { run, failed: &failed });
        let directory = directory.as_fd();
        let started = sys::exec::spawn_upgrade(program, &origin.argv, &environment, directory, &fds, prelude.as_ref());
        let pid = started.map_err(|error| told(error, program))?;
        Ok(Self { pid, ready: File::from(ready_read), heard: false, _life: life_write })
    }

    /// The pipe to poll, until it has spoken.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        (!self.heard).then(|| self.ready.as_fd())
    }

    /// Whether it has just said that it is ready. Its death is told by its exit, not here.
    pub fn read_ready(&mut self) -> bool {
        let mut byte = [0];
        match self.ready.read(&mut byte) {
            Ok(count) => {
                self.heard = true;
                count == 1
            }
            Err(_) => false,
        }
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("RUSTCORN_UPGRADE_")
}

/// The new arbiter's side: who we were started by.
pub struct Predecessor {
    ready: Option<File>,
    life: Option<OwnedFd>,
    /// The sockets that we share with it.
    pub listeners: Option<Listeners>,
}

impl Predecessor {
    /// Reads, and removes, the variables that an old arbiter left for us; none: this is an ordinary start.
    pub fn from_env() -> Result<Option<Self>, String> {
        let Some(pipes) = sys::env::take(PIPES_VARIABLE) else { return Ok(None) };
        let listeners = listeners::inherit_upgrade(sys::env::take).map_err(|error| error.to_string())?;
        let pipes = pipes.to_string_lossy().into_owned();
        let bad = || format!("{PIPES_VARIABLE}={pipes} is no pair of pipes; remove it from the environment");
        let (ready, life) = pipes.split_once(',').ok_or_else(bad)?;
        let adopt = |number: &str| number.parse().ok().and_then(|fd| sys::fd::adopt(fd).ok()).ok_or_else(bad);
        let (ready, life) = (adopt(ready)?, adopt(life)?);
        Ok(Some(Self { ready: Some(File::from(ready)), life: Some(life), listeners }))
    }

    /// Tells the old arbiter that we serve. Once.
    pub fn tell_ready(&mut self) {
        if let Some(mut pipe) = self.ready.take() {
            // An old arbiter that is gone meanwhile needs no word.
            let _ = pipe.write_all(b"r");
        }
    }

    /// The pipe whose end of file is our promotion.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.life.as_ref().map(AsFd::as_fd)
    }

    /// Whether the old arbiter is gone.
    pub fn read_promotion(&mut self) -> bool {
        let Some(life) = self.life.take() else { return false };
        let mut file = File::from(life);
        match file.read(&mut [0]) {
            Ok(0) => true,
            _ => {
                self.life = Some(file.into());
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_folder_is_searched_as_the_shell_does() {
        assert!(program_path(Some(OsStr::new("sh"))).expect("found").is_absolute());
        let running = std::env::current_exe().expect("known");
        assert_eq!(program_path(Some(OsStr::new("no-such-program-anywhere"))).expect("falls back"), running);
        assert_eq!(program_path(None).expect("falls back"), running);
    }
}
