//! What the names in settings stand for: accounts, addresses, the syslog daemon, the environment of the application.

use super::{Load, LoadError};
use crate::abi::SyslogTarget;
use crate::arbiter::access;
use crate::listeners::Bind;
use crate::settings::{self, Settings, SyslogAddress};
use crate::sys::privileges::{self, Identity};
use std::net::ToSocketAddrs;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbiter::load::open;

    #[test]
    fn an_account_is_looked_up_again_only_by_another_name() {
        let settings = |user: &str| Settings {
            bind: vec!["127.0.0.1:0".to_owned()],
            user: Some(user.to_owned()),
            ..Settings::default()
        };
        let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()).to_string();
        let first = settings(&own);
        let before = open(first.clone(), look_up(&first, None).unwrap(), &[], None).unwrap();
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
        let mut before = open(first.clone(), names, &[], None).unwrap();
        let found = SyslogTarget::Unix("/found/before".into());
        before.syslog = Some(found.clone());
        let target = |settings: &Settings| look_up(settings, Some(&before)).unwrap().syslog;
        assert_eq!(target(&first), Some(found));
        assert_eq!(target(&settings("udp://127.0.0.1:5141")), Some(SyslogTarget::Udp(([127, 0, 0, 1], 5141).into())));
        assert_eq!(target(&Settings { syslog: false, ..first.clone() }), None);
    }
}
