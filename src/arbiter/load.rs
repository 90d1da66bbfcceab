//! The loads: for each generation the settings and listeners that its workers run with. The application's snapshot is
//! the launcher's, under the same generation.

use super::access::{self, AccessLog};
use super::launcher::{Launcher, PrepareError};
use super::terms;
use crate::abi::{LogOrders, SyslogTarget};
use crate::listeners::{Bind, Listeners, Options};
use crate::log;
use crate::settings::{self, AccessOutput, Resolved, Settings, SettingsSource, SyslogAddress, changed};
use crate::supervisor::Terms;
use crate::sys::privileges::{self, Identity, Owner};
use crate::types::{Generation, exit};
use std::collections::BTreeMap;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Everything that one generation runs with, besides the application itself.
pub struct Load {
    /// The resolved settings.
    pub settings: Settings,
    /// The sockets.
    pub listeners: Listeners,
    /// Who the workers become.
    pub identity: Identity,
    /// The access log.
    pub access: AccessLog,
    /// Where the syslog daemon was found, if the logs go there.
    pub syslog: Option<SyslogTarget>,
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
        let opened = open(settings, self.newest().map(|load| &load.listeners))
            .and_then(|load| Ok((open_log(&load.settings, &load.identity)?, load)));
        let (log, load) = opened.inspect_err(|_| launcher.forget(generation))?;
        let terms = terms::terms(&load.settings, builds(launcher, &load.settings));
        let log_orders = terms::log_orders(&load.settings, load.syslog.as_ref());
        self.insert(generation, load);
        Ok(Reloaded { terms, log, log_orders })
    }
}

/// What the names in the settings stand for.
pub struct Names {
    /// Who the workers become.
    pub identity: Identity,
    /// Where to listen.
    pub binds: Vec<Bind>,
    /// The syslog daemon, if the logs go there.
    pub syslog: Option<SyslogTarget>,
}

/// Looks up the names in the settings: users, groups, addresses. Also holds against their grammar what only other
/// floors can read.
pub fn look_up(settings: &Settings) -> Result<Names, LoadError> {
    let identity = privileges::identity(settings.user.as_deref(), settings.group.as_deref(), settings.initgroups);
    let binds = settings.bind.iter().map(|bind| Bind::parse(bind)).collect::<Result<Vec<_>, _>>();
    let (identity, binds) = (identity.map_err(LoadError::failure)?, binds.map_err(LoadError::failure)?);
    access::format(settings)?;
    let syslog = settings.syslog.then(|| syslog_target(&settings.syslog_addr)).transpose();
    Ok(Names { identity, binds, syslog: syslog.map_err(LoadError::failure)? })
}

/// Looks up the host of `syslog_addr`, for as long as the settings are in use.
fn syslog_target(text: &str) -> Result<SyslogTarget, String> {
    let (host, port) = match settings::parse_syslog_address(text).map_err(|why| format!("syslog_addr: {why}"))? {
        SyslogAddress::Unix(path) => return Ok(SyslogTarget::Unix(path)),
        SyslogAddress::Udp { host, port } => (host, port),
    };
    let found = (host.as_str(), port).to_socket_addrs().map(|found| found.collect::<Vec<_>>());
    let found = found.map_err(|error| format!("cannot look up {host} (option `syslog_addr`): {error}"))?;
    // Daemons listen on IPv4 rather than on IPv6 alone, and a datagram that nobody hears is no error.
    let first = found.iter().find(|address| address.is_ipv4()).or_else(|| found.first());
    first.map(|address| SyslogTarget::Udp(*address)).ok_or_else(|| format!("syslog_addr: {host} has no address"))
}

/// Looks everything up that the settings name and opens the listeners; those that are open in `keep` are shared.
pub fn open(settings: Settings, keep: Option<&Listeners>) -> Result<Load, LoadError> {
    let Names { identity, binds, syslog } = look_up(&settings)?;
    if let Some(SyslogTarget::Unix(path)) = &syslog
        && !path.exists()
    {
        let path = path.display();
        log::warn!(
            "nothing is at {path} (option `syslog_addr`): messages are lost until a syslog daemon listens there"
        );
    }
    let access = AccessLog::open(&settings, syslog.as_ref(), &identity)?;
    let options = Options {
        backlog: settings.backlog,
        reuse_port: settings.reuse_port,
        lanes: settings.workers,
        // Gunicorn's default for sockets, which proxies of other users connect to.
        umask: settings.umask.unwrap_or(0),
        owner: identity.owner(),
    };
    let listeners = Listeners::open(&binds, &options, keep).map_err(LoadError::failure)?;
    Ok(Load { settings, listeners, identity, access, syslog })
}

/// Opens the operator log and hands it to the user that the workers become, who must be able to reopen it.
pub fn open_log(settings: &Settings, identity: &Identity) -> Result<OwnedFd, LoadError> {
    let orders = terms::log_orders(settings, None);
    let log = log::destination(&orders).map_err(LoadError::failure)?;
    if let Some(path) = &orders.path {
        give("errorlog", path, &log, identity)?;
    }
    Ok(log)
}

/// Whether the logs could be opened; leaves no file behind that was not there.
pub fn check_logs(settings: &Settings) -> Result<(), LoadError> {
    let check = |path: &Path, open: &dyn Fn(&Path) -> Result<OwnedFd, log::LogError>| {
        let existed = path.exists();
        open(path).map_err(LoadError::failure)?;
        if !existed {
            // It was made a moment ago, by us.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    };
    match settings.log_path() {
        Some(path) => check(path, &|path| log::open(path).map(OwnedFd::from))?,
        None => drop(log::destination(&LogOrders::default()).map_err(LoadError::failure)?),
    }
    match settings.access_output() {
        AccessOutput::File(path) => check(path, &log::access::open),
        AccessOutput::Stdout | AccessOutput::None => Ok(()),
    }
}

/// Whoever writes to the log must be able to reopen it. Only a plain file is given away: `/dev/null` is everybody's.
pub fn give(option: &str, path: &Path, log: &OwnedFd, identity: &Identity) -> Result<(), LoadError> {
    let Owner { uid, gid } = identity.owner();
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    let refused = |why: String| {
        LoadError::failure(format!("cannot give the {option} {} to the user of the workers: {why}", path.display()))
    };
    // Who owns the folder could lead us anywhere by a link.
    if std::fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        return Err(refused("it is a symbolic link; name the file itself".into()));
    }
    let file = log.try_clone().map(std::fs::File::from).map_err(|error| refused(error.to_string()))?;
    if file.metadata().is_ok_and(|there| there.is_file()) {
        std::os::unix::fs::fchown(&file, uid, gid).map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
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
