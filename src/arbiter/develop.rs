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
    /// Something changed while we were not looking.
    missed: bool,
}

impl Development {
    /// Watches what the application and the settings name.
    pub fn start(settings: &Settings, launcher: &dyn Launcher) -> Result<Self, String> {
        let plan = launcher.watch(settings)?;
        let cannot = |path: &std::path::Path, error| {
            format!("cannot watch {}: {error}; a limit may be reached (fs.inotify.max_user_watches)", path.display())
        };
        let mut watcher = Watcher::new().map_err(|error| format!("cannot watch files: {error}"))?;
        for path in plan.paths.into_iter().chain(extra_files(settings)?) {
            let added = if path.is_dir() { watcher.add_tree(&path) } else { watcher.add_file(&path) };
            added.map_err(|error| cannot(&path, error))?;
            log::debug!("watching {}", path.display());
        }
        Ok(Self { watcher, build: plan.build, running: None, missed: false })
    }

    /// Watches what the new settings name instead; a build that runs goes on.
    pub fn restart(&mut self, settings: &Settings, launcher: &dyn Launcher) -> Result<(), String> {
        let fresh = Self::start(settings, launcher)?;
        // Saved during the load that brought us here: that load may not have seen it.
        self.missed = !self.watcher.drain().is_empty();
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
        let missed = std::mem::take(&mut self.missed);
        let changed = self.watcher.drain();
        if let Some(path) = changed.first() {
            log::info!("{} changed", path.display());
        }
        missed || !changed.is_empty()
    }

    /// Whether [`Self::read_changes`] has something to tell without anything happening.
    pub fn has_news(&self) -> bool {
        self.missed
    }

    /// Starts the build. An event comes back if it cannot start.
    pub fn start_build(&mut self) -> Option<Event> {
        let started = self.build.as_ref().map_or_else(|| Err("there is nothing to build".into()), Build::start);
        match started {
            Ok(pid) => {
                log::info!("building the application");
                self.running = Some(pid);
                None
            }
            Err(reason) => {
                log::error!("{reason}");
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

/// The files that the patterns match now; those that come later are seen after the next reload.
fn extra_files(settings: &Settings) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for pattern in &settings.reload_extra_files {
        let matches = glob::glob(pattern).map_err(|error| {
            format!("reload_extra_files: {pattern:?} is no pattern: {error}; write it as a shell would")
        })?;
        files.extend(matches.filter_map(Result::ok));
    }
    Ok(files)
}
