//! `--reload` for development: watched files, and the build that a change starts.

use super::launcher::{Build, Launcher, Names};
use crate::log;
use crate::settings::Settings;
use crate::supervisor::Event;
use crate::sys;
use crate::sys::inotify::{Wanted, Watcher};
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
        if let Some(names) = &plan.names {
            watcher.only(wanted(names)?);
        }
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

    /// Watches these files too. One whose folder is gone is none any more.
    pub fn add_files(&mut self, files: &[PathBuf]) {
        for file in files {
            if let Err(error) = self.watcher.add_file(file) {
                log::debug!("cannot watch {}: {error}", file.display());
            }
        }
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

/// Whether a path in a watched folder counts.
fn wanted(names: &Names) -> Result<Wanted, String> {
    let patterns = |texts: &[String]| {
        let compiled = texts.iter().map(|text| {
            glob::Pattern::new(text)
                .map_err(|error| format!("{text:?} is no pattern: {error}; write it as a shell would"))
        });
        compiled.collect::<Result<Vec<_>, _>>()
    };
    let (includes, excludes) = (patterns(&names.includes)?, patterns(&names.excludes)?);
    let excluded_by = names.excluded_by;
    Ok(Box::new(move |path, is_folder| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let matches = |pattern: &glob::Pattern| pattern.matches(&name) || pattern.matches_path(path);
        if excludes.iter().any(matches) {
            return false;
        }
        match is_folder {
            true => excluded_by.is_none_or(|file| !path.join(file).exists()),
            false => includes.iter().any(matches),
        }
    }))
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
