//! Telling the world: service manager, pid file, the launching process, the old arbiter, the process title.

use super::orders;
use super::pidfile::{self, PidFile};
use super::shell::Shell;
use crate::log;
use crate::supervisor::Phase;
use crate::types::{Generation, Mono, exit};
use std::path::PathBuf;

impl Shell<'_> {
    /// Performs `Action::Announce`.
    pub fn announce(&mut self, phase: &Phase, now: Mono) {
        match phase {
            Phase::Serving { generation, ready, wanted, broken, trouble } => {
                self.first_ready();
                self.follow_log(*generation);
                let status = status(*generation, *ready, *wanted, *broken, trouble.as_deref());
                self.title(if trouble.is_some() || *broken > 0 { " (in trouble)" } else { "" });
                self.manager.ready(&status);
            }
            Phase::Reloading => self.manager.reloading(now),
            Phase::Stopping => {
                self.title(" (stopping)");
                self.manager.stopping();
            }
            Phase::Upgraded { pid } => {
                self.manager.main_pid(*pid);
                // What ends from now on is an arbiter, not the service.
                self.manager.set_silent(true);
            }
            Phase::UpgradeLost => {
                self.manager.set_silent(false);
                self.manager.main_pid(self.own);
            }
            Phase::Promoted => self.promote(),
        }
    }

    /// Once, when the first workers serve: nothing is published before it is true.
    fn first_ready(&mut self) {
        if self.pidfile.is_none()
            && let Some(path) = self.loads.newest().and_then(|load| load.settings.pidfile.clone())
        {
            let path = if self.predecessor.is_some() { pidfile::second(&path) } else { path };
            match PidFile::create(&path, self.own) {
                Ok(file) => self.pidfile = Some(file),
                Err(error) => log::error!("{error}"),
            }
        }
        if let Some(predecessor) = &mut self.predecessor {
            predecessor.tell_ready();
        }
        if let Some(readiness) = self.readiness.take() {
            // Whoever launched it may close the terminal as soon as it knows.
            self.silence();
            readiness.tell(u8::try_from(exit::OK).unwrap_or_default());
        }
    }

    /// A daemon lets go of the terminal once it has nothing more to tell the one who started it.
    fn silence(&self) {
        let inherit = self.loads.newest().is_some_and(|load| load.settings.enable_stdio_inheritance);
        if inherit {
            return;
        }
        if let Err(error) = crate::sys::daemon::silence_stdio() {
            log::error!("cannot detach from the terminal's output: {error}");
        }
        // A log on the terminal has a descriptor of its own, which would keep the terminal busy.
        let orders = self.loads.newest().map(|load| orders::log_orders(&load.settings, load.syslog.as_ref()));
        if let Some(Err(error)) = orders.filter(|orders| orders.path.is_none()).map(log::reconfigure) {
            log::error!("{error}");
        }
    }

    fn promote(&mut self) {
        self.predecessor = None;
        self.own_socket_files();
        let path = self.loads.newest().and_then(|load| load.settings.pidfile.clone());
        if let (Some(file), Some(path)) = (&mut self.pidfile, path)
            && let Err(error) = file.rename(&path)
        {
            log::error!("{error}");
        }
        self.manager.set_silent(false);
        self.manager.main_pid(self.own);
    }

    /// The lines that say where we listen.
    pub fn log_listeners(&self, generation: Generation) {
        let Some(load) = self.loads.get(generation) else { return };
        for listener in load.listeners.lasting() {
            log::info!("Listening at: {} ({})", listener.url(), self.own);
        }
    }

    /// A worker has told what its application was made from.
    pub fn watch_imported(&mut self, files: Vec<PathBuf>) {
        if let Some(development) = self.development.as_mut().filter(|_| !files.is_empty()) {
            development.add_files(&files);
            self.launcher.imported(files);
        }
    }

    /// After a reload, `--reload` watches what the new settings name. If it cannot, the old watch goes on.
    pub fn watch_again(&mut self, generation: Generation) {
        let Some(load) = self.loads.get(generation) else { return };
        if let Some(development) = &mut self.development
            && let Err(error) = development.restart(&load.settings, &*self.launcher)
        {
            log::error!("{error}; what was watched before stays watched");
        }
    }
}

fn status(generation: Generation, ready: u16, wanted: u16, broken: u16, trouble: Option<&str>) -> String {
    let broken = if broken > 0 { format!(", {broken} broken") } else { String::new() };
    let trouble = trouble.map(|trouble| format!("; last reload failed: {trouble}")).unwrap_or_default();
    format!("generation {generation}: {ready} of {wanted} workers ready{broken}{trouble}").replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_is_one_line_that_shows_trouble() {
        assert_eq!(status(Generation(2), 4, 4, 0, None), "generation 2: 4 of 4 workers ready");
        let text = status(Generation(2), 3, 4, 1, Some("bad key\nbad value"));
        assert_eq!(text, "generation 2: 3 of 4 workers ready, 1 broken; last reload failed: bad key; bad value");
    }
}
