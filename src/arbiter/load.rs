//! The loads: for each generation the settings and listeners that its workers run with. The application's snapshot is
//! the launcher's, under the same generation.

mod names;

use super::access::AccessLog;
use super::certificates::Certificates;
use super::launcher::{Launcher, PrepareError};
use super::logfile::LogFile;
use super::{orders, terms};
use crate::abi::{LogOrders, SyslogTarget};
use crate::listeners::{ListenError, Listeners, Options};
use crate::log;
use crate::settings::{self, Resolved, Settings, SettingsSource, changed};
use crate::supervisor::Terms;
use crate::sys::privileges::Identity;
use crate::types::{Generation, exit};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

pub use names::{Names, look_up};

/// Everything that one generation runs with, besides the application itself.
pub struct Load {
    /// The resolved settings.
    pub settings: Settings,
    /// The sockets.
    pub listeners: Listeners,
    /// Who the workers become.
    pub identity: Identity,
    /// What TLS is spoken with; none if it is not spoken.
    pub certificates: Option<Certificates>,
    /// The access log.
    pub access: AccessLog,
    /// Where the syslog daemon was found, if the logs go there.
    pub syslog: Option<SyslogTarget>,
}

impl Load {
    /// Opens the log that this load wants and writes to it from now on. The workers, who may not be who we are, can open
    /// it too. On failure the log stays what it is.
    pub fn take_log(&self) -> Result<(), LoadError> {
        let file = LogFile::open(&self.settings, &self.identity)?;
        log::init(orders::log_orders(&self.settings, self.syslog.as_ref()), file.keep());
        Ok(())
    }
}

/// Why a load cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// The exit code, if this was the first start.
    pub code: i32,
    /// One sentence.
    pub message: String,
}

impl LoadError {
    /// The system refused something that ordinarily goes without saying.
    pub fn step(what: &str, error: std::io::Error) -> Self {
        Self::failure(format!("cannot {what}: {error}"))
    }

    /// Settings, listeners or the environment are wrong.
    pub fn failure(error: impl std::fmt::Display) -> Self {
        Self { code: exit::FAILURE, message: error.to_string() }
    }
}

impl From<PrepareError> for LoadError {
    fn from(error: PrepareError) -> Self {
        Self { code: exit::APP_LOAD, message: error.to_string() }
    }
}

/// What of a reload was taken over.
pub struct Reloaded {
    /// For the supervisor.
    pub terms: Terms,
    /// The opened log.
    pub log: OwnedFd,
    /// How it looks.
    pub log_orders: LogOrders,
}

/// The loads that workers may still be started from.
#[derive(Default)]
pub struct Loads {
    loads: BTreeMap<Generation, Load>,
}

impl Loads {
    /// The load of a generation.
    pub fn get(&self, generation: Generation) -> Option<&Load> {
        self.loads.get(&generation)
    }

    /// Adds the load of a generation.
    pub fn insert(&mut self, generation: Generation, load: Load) {
        self.loads.insert(generation, load);
    }

    /// No worker of this generation will be started any more. Listeners that no other load shares close here.
    pub fn forget(&mut self, generation: Generation) {
        self.loads.remove(&generation);
    }

    /// Nobody but workers of this generation serves: all its listeners listen, and those that it has replaced are let go.
    /// Whether there were any.
    ///
    /// # Errors
    /// The bind that cannot be listened on.
    pub fn settle(&mut self, generation: Generation) -> Result<bool, ListenError> {
        self.loads.get_mut(&generation).map_or(Ok(false), |load| load.listeners.settle())
    }

    /// Every load, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Load> {
        self.loads.values()
    }

    /// Every load, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Load> {
        self.loads.values_mut()
    }

    /// The newest load.
    pub fn newest(&self) -> Option<&Load> {
        self.loads.values().next_back()
    }

    /// Which generation is the newest.
    pub fn newest_generation(&self) -> Option<Generation> {
        self.loads.keys().next_back().copied()
    }

    /// Reads the settings again and takes them over, all or nothing.
    pub fn reload(
        &mut self,
        generation: Generation,
        source: &dyn SettingsSource,
        launcher: &mut dyn Launcher,
    ) -> Result<Reloaded, LoadError> {
        let Resolved { mut settings, warnings, .. } = source.load().map_err(LoadError::failure)?;
        for warning in warnings {
            log::warn!("{warning}");
        }
        if let Some(current) = self.newest() {
            keep_fixed(&mut settings, &current.settings);
            // What was kept may contradict what is new.
            settings::validate(&settings).map_err(LoadError::failure)?;
        }
        // The application first, sockets last: a socket that is closed again takes its queue with it.
        launcher.prepare(generation, &settings).map_err(LoadError::from)?;
        let opened = self.open_log_and_sockets(settings);
        let (log, load) = opened.inspect_err(|_| launcher.forget(generation))?;
        let terms = terms::terms(&load.settings, builds(launcher, &load.settings));
        let log_orders = orders::log_orders(&load.settings, load.syslog.as_ref());
        self.insert(generation, load);
        Ok(Reloaded { terms, log: log.keep(), log_orders })
    }

    fn open_log_and_sockets(&self, settings: Settings) -> Result<(LogFile, Load), LoadError> {
        let newest = self.newest();
        let names = look_up(&settings, newest)?;
        let log = LogFile::open(&settings, &names.identity)?;
        let certificates = newest.and_then(|load| load.certificates.as_ref());
        let keep: Vec<&Listeners> = self.loads.values().rev().map(|load| &load.listeners).collect();
        let load = open(settings, names, &keep, certificates)?;
        Ok((log, load))
    }
}

/// Opens the listeners and all else that a load is made of. `names` are what the settings' names stand for; listeners
/// that are open in `keep`, of the newest load first, are shared; `certificates` are those of the load before.
pub fn open(
    settings: Settings,
    names: Names,
    keep: &[&Listeners],
    certificates: Option<&Certificates>,
) -> Result<Load, LoadError> {
    let Names { identity, binds, syslog, environment } = names;
    let settings = Settings { env: environment, ..settings };
    if let Some(SyslogTarget::Unix(path)) = &syslog
        && !path.exists()
    {
        let path = path.display();
        log::warn!(
            "nothing is at {path} (option `syslog_addr`): messages are lost until a syslog daemon listens there"
        );
    }
    let certificates = Certificates::open(&settings, certificates)?;
    let (access, made) = AccessLog::open(&settings, syslog.as_ref(), &identity)?;
    let options = Options {
        backlog: settings.backlog,
        reuse_port: settings.reuse_port,
        lanes: settings.workers,
        // Gunicorn's default for sockets, which proxies of other users connect to.
        umask: settings.umask.unwrap_or(0),
        owner: identity.owner(),
        certificates: certificates.is_some(),
    };
    let listeners = Listeners::open(&binds, &options, keep).map_err(LoadError::failure)?;
    made.keep();
    Ok(Load { settings, listeners, identity, certificates, access, syslog })
}

/// Whether a file change has to be answered by a build.
pub fn builds(launcher: &dyn Launcher, settings: &Settings) -> bool {
    settings.reload && launcher.watch(settings).is_ok_and(|plan| plan.build.is_some())
}

/// What a reload cannot change keeps its value, with a line that says so.
fn keep_fixed(settings: &mut Settings, current: &Settings) {
    for change in changed(current, settings).iter().filter(|change| !change.reloadable) {
        log::warn!("`{}` cannot change without a restart: it keeps its value until then", change.key);
    }
    settings.keep_fixed(current);
}
