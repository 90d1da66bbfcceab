//! The loads: for each generation the settings and listeners that its workers run with. The application's snapshot is
//! the launcher's, under the same generation.

use super::access::{self, AccessLog};
use super::certificates::Certificates;
use super::launcher::{Launcher, PrepareError};
use super::logfile::LogFile;
use super::{orders, terms};
use crate::abi::{LogOrders, SyslogTarget};
use crate::listeners::{Bind, Listeners, Options};
use crate::log;
use crate::settings::{self, Resolved, Settings, SettingsSource, SyslogAddress, changed};
use crate::supervisor::Terms;
use crate::sys::privileges::{self, Identity};
use crate::types::{Generation, exit};
use std::collections::BTreeMap;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;

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
        let load = open(settings, names, newest.map(|load| &load.listeners), certificates)?;
        Ok((log, load))
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
    /// What `env_file` and `raw_env` set for the application.
    pub environment: Vec<(String, String)>,
}

/// Looks up the names in the settings: users, groups, addresses. Also holds against their grammar what only other
/// floors can read. Accounts and a syslog daemon that `before` has found are not looked up again: that may take long, and nothing
/// else goes on meanwhile.
pub fn look_up(settings: &Settings, before: Option<&Load>) -> Result<Names, LoadError> {
    let identity = match before.filter(|load| accounts(&load.settings) == accounts(settings)) {
        Some(load) => Ok(load.identity.clone()),
        None => privileges::identity(settings.user.as_deref(), settings.group.as_deref(), settings.initgroups),
    };
    let binds = settings.bind.iter().map(|bind| Bind::parse(bind)).collect::<Result<Vec<_>, _>>();
    let (identity, binds) = (identity.map_err(LoadError::failure)?, binds.map_err(LoadError::failure)?);
    access::format(settings)?;
    let known = before.filter(|load| load.settings.syslog_addr == settings.syslog_addr);
    let target = || match known.and_then(|load| load.syslog.clone()) {
        Some(target) => Ok(target),
        None => syslog_target(&settings.syslog_addr),
    };
    let syslog = settings.syslog.then(target).transpose();
    let environment = environment(settings)?;
    Ok(Names { identity, binds, syslog: syslog.map_err(LoadError::failure)?, environment })
}

/// What decides who the workers become.
fn accounts(settings: &Settings) -> (Option<&str>, Option<&str>, bool) {
    (settings.user.as_deref(), settings.group.as_deref(), settings.initgroups)
}

/// The variables that the application shall find: of `env_file` those that nobody has set, then those of `raw_env`.
fn environment(settings: &Settings) -> Result<Vec<(String, String)>, LoadError> {
    let Some(path) = &settings.env_file else { return Ok(settings.env.clone()) };
    let refused = |why: String| LoadError::failure(format!("{} (option `env_file`): {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("it cannot be read: {error}")))?;
    let found = settings::parse_dotenv(&text).map_err(|(line, why)| refused(format!("line {line} {why}")))?;
    let mut all: Vec<_> = found.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()).collect();
    all.extend(settings.env.iter().cloned());
    Ok(all)
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

/// Opens the listeners and all else that a load is made of. `names` are what the settings' names stand for; listeners
/// that are open in `keep` are shared; `certificates` are those of the load before.
pub fn open(
    settings: Settings,
    names: Names,
    keep: Option<&Listeners>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_looked_up_again_only_by_another_name() {
        let settings = |user: &str| Settings {
            bind: vec!["127.0.0.1:0".to_owned()],
            user: Some(user.to_owned()),
            ..Settings::default()
        };
        let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()).to_string();
        let first = settings(&own);
        let before = open(first.clone(), look_up(&first, None).unwrap(), None, None).unwrap();
        // As if its entry had gone since.
        let renamed = Load { settings: settings("a-user-that-is-gone"), ..before };
        assert_eq!(look_up(&settings("a-user-that-is-gone"), Some(&renamed)).unwrap().identity, renamed.identity);
        assert!(look_up(&settings("another-that-is-gone"), Some(&renamed)).is_err());
    }

    #[test]
    fn a_syslog_daemon_is_looked_up_again_only_at_another_address() {
        let settings = |address: &str| {
            let bind = vec!["127.0.0.1:0".to_owned()];
            Settings { bind, syslog: true, syslog_addr: address.to_owned(), ..Settings::default() }
        };
        let first = settings("udp://127.0.0.1:5140");
        let names = look_up(&first, None).unwrap();
        let mut before = open(first.clone(), names, None, None).unwrap();
        let found = SyslogTarget::Unix("/found/before".into());
        before.syslog = Some(found.clone());
        let target = |settings: &Settings| look_up(settings, Some(&before)).unwrap().syslog;
        assert_eq!(target(&first), Some(found));
        assert_eq!(target(&settings("udp://127.0.0.1:5141")), Some(SyslogTarget::Udp(([127, 0, 0, 1], 5141).into())));
        assert_eq!(target(&Settings { syslog: false, ..first.clone() }), None);
    }
}
