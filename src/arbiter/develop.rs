//! `--reload` for development: watched files, and the build that a change starts.

use super::launcher::{Build, Launcher};
use crate::log;
use crate::settings::Settings;
use crate::supervisor::Event;
use crate::sys;
use crate::sys::inotify::Watcher;
use crate::types::{ExitStatus, Pid, Signal};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

/// The watcher and the build that may be running.
pub struct Development {
    watcher: Watcher,
    build: Option<Build>,
    running: Option<Pid>,
}

impl Development {
    /// Watches what the application and the settings name.
    pub fn start(settings: &Settings, launcher: &dyn Launcher) -> Result<Self, String> {
        let plan = launcher.watch(settings)?;
        let cannot = |path: &std::path::Path, error| {
            format!("cannot watch {}: {error}; a limit may be reached (fs.inotify.max_user_watches)", path.display())
        };
        let mut watcher = Watcher::new().map_err(|error| format!("cannot watch files: {error}"))?;
        for path in plan.paths.into_iter().chain(extra_files(settings)) {
            let added = if path.is_dir() { watcher.add_tree(&path) } else { watcher.add_file(&path) };
            added.map_err(|error| cannot(&path, error))?;
            log::debug!("watching {}", path.display());
        }
        Ok(Self { watcher, build: plan.build, running: None })
    }

    /// Watches what the new settings name instead; a build that runs goes on.
    pub fn restart(&mut self, settings: &Settings, launcher: &dyn Launcher) -> Result<(), String> {
        let fresh = Self::start(settings, launcher)?;
        self.watcher = fresh.watcher;
        self.build = fresh.build;
        Ok(())
    }

    /// The inotify descriptor.
    pub fn pipe(&self) -> BorrowedFd<'_> {
        self.watcher.as_fd()
    }

    /// Whether a watched file has changed.
    pub fn read_changes(&mut self) -> bool {
        let changed = self.watcher.drain();
        if let Some(path) = changed.first() {
            log::info!("{} changed", path.display());
        }
        !changed.is_empty()
    }

    /// Starts the build; its compiler speaks to the terminal by itself. An event comes back if it cannot start.
    pub fn start_build(&mut self) -> Option<Event> {
        let Some(mut command) = self.build.as_ref().and_then(Build::command) else {
            return Some(Event::Built { ok: false });
        };
        sys::process::die_with_parent(&mut command);
        match command.spawn() {
            Ok(child) => {
                log::info!("building the application");
                self.running = Some(Pid(i32::try_from(child.id()).unwrap_or(i32::MAX)));
                None
            }
            Err(error) => {
                log::error!("cannot start {}: {error}", command.get_program().display());
                Some(Event::Built { ok: false })
            }
        }
    }

    /// Ends the build, with its compilers.
    pub fn cancel_build(&mut self) {
        if let Some(leader) = self.running.take() {
            // The build leads a process group of its own, with its compilers. It may be gone already.
            let _ = sys::signal::send_group(leader, Signal::TERM);
        }
    }

    /// Whether this child was the build, and how it went.
    pub fn reaped(&mut self, pid: Pid, status: ExitStatus) -> Option<Event> {
        self.running.take_if(|running| *running == pid)?;
        Some(Event::Built { ok: status == ExitStatus::Code(0) })
    }
}

fn extra_files(settings: &Settings) -> Vec<PathBuf> {
    let matches = settings.reload_extra_files.iter().filter_map(|pattern| glob::glob(pattern).ok());
    matches.flatten().filter_map(Result::ok).collect()
}
