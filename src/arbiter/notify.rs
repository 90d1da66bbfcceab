//! The service manager (systemd's notify protocol, sd_notify(3)): ready, reloading, stopping, status, main pid,
//! watchdog.
//!
//! Written by hand because the arbiter must never wait: the usual crates send by a blocking socket, and a service
//! manager that does not read would hold up every signal.

use crate::types::{Mono, Pid};
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Our side of `NOTIFY_SOCKET`; without that variable every call does nothing.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Watchdog>,
    /// Another arbiter is the main process now: what we would say would be taken for its words.
    silent: bool,
    /// The newest state that the service manager had no room for.
    unsent: Option<String>,
}

#[derive(Debug)]
struct Watchdog {
    every: Duration,
    next: Mono,
}

impl ServiceManager {
    /// Reads the environment. An upgrade also answers the watchdog that was set for its predecessor, because it may
    /// be the main process a moment later.
    pub fn from_env(now: Mono, own: Pid, is_upgrade: bool) -> Self {
        let get = |name| std::env::var(name).ok();
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| connect(&name).ok());
        let period = watchdog_period(get("WATCHDOG_USEC").as_deref(), get("WATCHDOG_PID").as_deref(), own, is_upgrade);
        let watchdog = period.filter(|_| socket.is_some()).map(|every| Watchdog { every, next: now });
        // As long as the old arbiter lives, the service is its word, also if this one gives up.
        Self { socket, watchdog, silent: is_upgrade, unsent: None }
    }

    /// Whether another arbiter speaks to the service manager.
    pub fn set_silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// READY=1, with a line for `systemctl status`.
    pub fn ready(&mut self, status: &str) {
        self.state(format!("READY=1\nSTATUS={status}\n"));
    }

    /// RELOADING=1; systemd wants the stamp of its beginning with it.
    pub fn reloading(&mut self, now: Mono) {
        self.state(format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading\n", now.0 / 1_000));
    }

    /// STOPPING=1.
    pub fn stopping(&mut self) {
        self.state("STOPPING=1\nSTATUS=stopping\n".to_owned());
    }

    /// MAINPID=: who is to be followed from now on.
    pub fn main_pid(&mut self, pid: Pid) {
        self.state(format!("MAINPID={pid}\n"));
    }

    /// When the next WATCHDOG=1 is due.
    pub fn next_watchdog(&self) -> Option<Mono> {
        self.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    /// Sends WATCHDOG=1 if it is due, and what could not be sent before.
    pub fn feed_watchdog(&mut self, now: Mono) {
        if let Some(state) = self.unsent.take() {
            self.state(state);
        }
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| now >= watchdog.next) {
            watchdog.next = now.after(watchdog.every);
            // A lost one is followed by the next.
            let _ = self.send("WATCHDOG=1\n");
        }
    }

    fn state(&mut self, state: String) {
        if !self.silent && self.send(&state).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.unsent = Some(state);
        }
    }

    fn send(&self, message: &str) -> io::Result<()> {
        let Some((socket, address)) = &self.socket else { return Ok(()) };
        socket.send_to_addr(message.as_bytes(), address).map(|_| ())
    }
}

fn connect(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Half of the service manager's limit, as systemd advises; none if the watchdog is off or meant for another process.
fn watchdog_period(usec: Option<&str>, pid: Option<&str>, own: Pid, is_upgrade: bool) -> Option<Duration> {
    let usec: u64 = usec?.parse().ok().filter(|&usec| usec > 0)?;
    let meant_for_us = pid.is_none_or(|pid| pid.parse() == Ok(own.0));
    (meant_for_us || is_upgrade).then(|| Duration::from_micros(usec / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_twice_per_limit_and_only_by_its_process() {
        let own = Pid(7);
        assert_eq!(watchdog_period(Some("4000000"), Some("7"), own, false), Some(Duration::from_secs(2)));
        assert_eq!(watchdog_period(Some("4000000"), Some("8"), own, false), None);
        assert_eq!(watchdog_period(Some("4000000"), Some("8"), own, true), Some(Duration::from_secs(2)));
        assert_eq!(watchdog_period(Some("0"), None, own, false), None);
        assert_eq!(watchdog_period(None, None, own, false), None);
    }

    #[test]
    fn a_service_manager_that_does_not_read_holds_nobody_up() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("notify");
        let deaf = UnixDatagram::bind(&path).expect("bound");
        let socket = Some(connect(path.as_os_str()).expect("connected"));
        let mut manager = ServiceManager { socket, watchdog: None, silent: false, unsent: None };
        let mut sent = 0;
        while manager.unsent.is_none() && sent < 100_000 {
            manager.ready("ready");
            sent += 1;
        }
        assert!(manager.unsent.is_some(), "its queue is endless");
        // Once it reads again, the newest state arrives.
        deaf.set_nonblocking(true).expect("set");
        let mut buffer = [0; 256];
        while deaf.recv(&mut buffer).is_ok() {}
        manager.feed_watchdog(Mono(0));
        assert!(deaf.recv(&mut buffer).is_ok_and(|length| buffer[..length].starts_with(b"READY=1")));
    }
}
