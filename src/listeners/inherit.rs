//! Sockets that others opened: systemd (sd_listen_fds(3)), or the arbiter that we are the upgrade of.

use super::bind::{Bind, Place};
use super::error::ListenError;
use super::file::{Custody, SocketFile};
use super::listener::Listener;
use super::open::Listeners;
use crate::sys::{accepting, fd, socket};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

/// The variable by which an arbiter passes its listeners on.
const UPGRADE: &str = "RUSTCORN_UPGRADE_LISTENERS";
/// systemd's first descriptor.
const FIRST: RawFd = 3;

/// What [`UPGRADE`] says, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Passed {
    activated: bool,
    listeners: Vec<PassedListener>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PassedListener {
    name: String,
    fds: Vec<RawFd>,
    /// Device and inode of the file of a Unix socket, if its removal is the arbiter's.
    #[serde(default)]
    file: Option<(u64, u64)>,
    /// It was made ready to be joined, for as long as it overlaps with another.
    #[serde(default)]
    overlaps: bool,
    /// TLS is spoken there.
    #[serde(default)]
    tls: bool,
    /// It is not the old arbiter's own either.
    #[serde(default)]
    passed: bool,
}

impl Listeners {
    /// The variables and descriptors that hand these listeners to a new arbiter.
    #[must_use]
    pub fn export_upgrade(&self) -> (Vec<(String, String)>, Vec<RawFd>) {
        // In the middle of a reload that narrows a bind, what listens is the wide one.
        let listeners = self.iter().filter(|listener| !listener.is_dormant()).map(|listener| PassedListener {
            name: listener.name.clone(),
            fds: listener.sockets().iter().map(|socket| socket.as_raw_fd()).collect(),
            file: listener.file.borrow().as_ref().map(|file| file.identity()),
            overlaps: listener.overlaps.get(),
            tls: listener.tls,
            passed: listener.passed,
        });
        let passed = Passed { activated: self.activated, listeners: listeners.collect() };
        let fds = passed.listeners.iter().flat_map(|listener| listener.fds.clone()).collect();
        let text = serde_json::to_string(&passed).unwrap_or_default();
        (vec![(UPGRADE.to_owned(), text)], fds)
    }
}

/// The listeners of the arbiter that started us to replace it. `take` reads a variable and removes it. Until
/// [`Listeners::own_files`] says otherwise, the files of Unix sockets stay that arbiter's.
///
/// # Errors
/// If what was passed is not listening sockets.
pub fn inherit_upgrade(take: impl Fn(&str) -> Option<OsString>) -> Result<Option<Listeners>, ListenError> {
    let Some(text) = take(UPGRADE) else { return Ok(None) };
    let broken = |why: String| ListenError::Inheritance { from: "the old arbiter", why };
    let passed: Passed = serde_json::from_str(&text.to_string_lossy()).map_err(|error| broken(error.to_string()))?;
    let (mut all, custody) = (Vec::new(), Rc::<Custody>::default());
    for listener in passed.listeners {
        let listener = adopt(listener, &custody).map_err(broken)?;
        // The old arbiter may let it overlap as long as it has it, too.
        listener.may_overlap();
        all.push(listener);
    }
    Ok(Some(Listeners { all, activated: passed.activated, backlog: 0, custody }))
}

/// The listeners that systemd opened for us; none if it did not, or meant another process.
///
/// # Errors
/// If what was passed is not listening sockets.
pub fn inherit_systemd(take: impl Fn(&str) -> Option<OsString>) -> Result<Option<Listeners>, ListenError> {
    let number = |name: &str| take(name)?.to_str()?.parse::<u32>().ok();
    let (pid, count) = (number("LISTEN_PID"), number("LISTEN_FDS"));
    let names = take("LISTEN_FDNAMES").map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(count) = count.filter(|count| *count > 0 && pid == Some(std::process::id())) else { return Ok(None) };
    let mut names = names.split(':');
    let (mut all, custody) = (Vec::new(), Rc::default());
    for offset in 0..count {
        let name = names.next().filter(|name| !name.is_empty()).unwrap_or("socket");
        let fds = vec![FIRST.saturating_add_unsigned(offset)];
        let listener = PassedListener {
            name: format!("systemd:{name}"),
            fds,
            file: None,
            overlaps: false,
            tls: false,
            passed: true,
        };
        let adopted = adopt(listener, &custody);
        all.push(adopted.map_err(|why| ListenError::Inheritance { from: "systemd", why })?);
    }
    Ok(Some(Listeners { all, activated: true, backlog: 0, custody }))
}

fn adopt(passed: PassedListener, custody: &Rc<Custody>) -> Result<Listener, String> {
    let mut sockets = Vec::new();
    for number in &passed.fds {
        let socket = fd::adopt(*number).map_err(|error| format!("descriptor {number}: {error}"))?;
        if !accepting::accepts_connections(&socket) {
            return Err(format!("descriptor {number} is not a listening stream socket"));
        }
        fd::set_nonblocking(&socket).map_err(|error| format!("descriptor {number}: {error}"))?;
        sockets.push(socket);
    }
    let first = sockets.first().ok_or_else(|| format!("{} has no descriptor", passed.name))?;
    let address = socket::local_name(first).map_err(|error| format!("descriptor {}: {error}", first.as_raw_fd()))?;
    // A name that is no bind (systemd's) matches none of the settings.
    let place = Bind::parse(&passed.name).map_or(Place::Fd(first.as_raw_fd()), |bind| bind.place().clone());
    let file = match (&place, passed.file) {
        (Place::Unix(path), Some(identity)) => SocketFile::of_another(path, identity, custody),
        _ => None,
    };
    let listener = Listener::new(place, passed.name, address, sockets, file);
    listener.overlaps.set(passed.overlaps);
    Ok(Listener { tls: passed.tls, passed: passed.passed, ..listener })
}
