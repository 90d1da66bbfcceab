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

/// How soon a service manager that had no room is asked again: a start that it does not hear of is a failed one.
const AGAIN: Duration = Duration::from_millis(100);

/// Our side of `NOTIFY_SOCKET`; without that variable every call does nothing.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Watchdog>,
    /// Another arbiter is the main process now: what we would say would be taken for its words.
    silent: bool,
    /// What the service manager had no room for.
    unsent: Unsent,
}

/// The newest words of each kind: an older one of the same kind is not true any more. Nobody is silent about the main
/// process.
#[derive(Debug, Default)]
struct Unsent {
    main_pid: Option<String>,
    state: Option<String>,
    /// When to try again.
    next: Option<Mono>,
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
        Self { socket, watchdog, silent: is_upgrade, unsent: Unsent::default() }
    }

    /// Whether another arbiter speaks to the service manager.
    pub fn set_silent(&mut self, silent: bool) {
        self.silent = silent;
        if silent {
            self.unsent.state = None;
        }
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
        if !self.silent {
            self.unsent.main_pid = Some(format!("MAINPID={pid}\n"));
            self.send_unsent();
        }
    }

    /// When the next WATCHDOG=1 is due, or what could not be sent is tried again.
    pub fn next_watchdog(&self) -> Option<Mono> {
        let watchdog = self.watchdog.as_ref().map(|watchdog| watchdog.next);
        // What was said after the last try is tried at once.
        let again = self.unsent.is_there().then(|| self.unsent.next.unwrap_or_default());
        watchdog.into_iter().chain(again).min()
    }

    /// Sends WATCHDOG=1 if it is due, and what could not be sent before.
    pub fn feed_watchdog(&mut self, now: Mono) {
        self.send_unsent();
        self.unsent.next = Some(now.after(AGAIN)).filter(|_| self.unsent.is_there());
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| now >= watchdog.next) {
            watchdog.next = now.after(watchdog.every);
            // A lost one is followed by the next.
            let _ = self.send("WATCHDOG=1\n");
        }
    }

    fn state(&mut self, state: String) {
        if !self.silent {
            self.unsent.state = Some(state);
            self.send_unsent();
        }
    }

    /// In the order in which it has to be understood.
    fn send_unsent(&mut self) {
        let (main_pid, state) = (self.unsent.main_pid.take(), self.unsent.state.take());
        self.unsent.main_pid = main_pid.filter(|text| !self.is_told(text));
        self.unsent.state = state.filter(|text| self.unsent.main_pid.is_some() || !self.is_told(text));
    }

    /// False: there was no room. Who cannot be told at all is told nothing.
    fn is_told(&self, message: &str) -> bool {
        !self.send(message).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    fn send(&self, message: &str) -> io::Result<()> {
        let Some((socket, address)) = &self.socket else { return Ok(()) };
        socket.send_to_addr(message.as_bytes(), address).map(|_| ())
    }
}

impl Unsent {
    fn is_there(&self) -> bool {
        self.main_pid.is_some() || self.state.is_some()
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
        let mut manager = ServiceManager { socket, watchdog: None, silent: false, unsent: Unsent::default() };
        let mut sent = 0;
        while !manager.unsent.is_there() && sent < 100_000 {
            manager.ready("ready");
            sent += 1;
        }
        assert!(manager.unsent.is_there(), "its queue is endless");
        // It is tried again soon, whatever else happens.
        manager.feed_watchdog(Mono(5));
        assert_eq!(manager.next_watchdog(), Some(Mono(5).after(AGAIN)));
        // Who the main process is does not get lost behind a newer state.
        manager.main_pid(Pid(4711));
        manager.stopping();
        deaf.set_nonblocking(true).expect("set");
        let mut buffer = [0; 256];
        while deaf.recv(&mut buffer).is_ok() {}
        manager.feed_watchdog(Mono(6));
        for expected in ["MAINPID=4711", "STOPPING=1"] {
            let length = deaf.recv(&mut buffer).expect("sent");
            assert!(buffer[..length].starts_with(expected.as_bytes()), "{expected}");
        }
        assert_eq!((manager.next_watchdog(), deaf.recv(&mut buffer).is_err()), (None, true));
    }
}
