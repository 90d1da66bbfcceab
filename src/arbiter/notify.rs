//! The service manager (systemd's notify protocol): ready, reloading, stopping, status, main pid, watchdog.

use crate::types::{Mono, Pid};
use sd_notify::NotifyState;
use std::time::Duration;

/// Our side of `NOTIFY_SOCKET`; without that variable every call does nothing.
#[derive(Debug)]
pub struct ServiceManager {
    enabled: bool,
    watchdog: Option<Watchdog>,
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
        let enabled = std::env::var_os("NOTIFY_SOCKET").is_some();
        let watchdog =
            watchdog_period(get("WATCHDOG_USEC").as_deref(), get("WATCHDOG_PID").as_deref(), own, is_upgrade);
        let watchdog = watchdog.filter(|_| enabled).map(|every| Watchdog { every, next: now });
        Self { enabled, watchdog }
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        // Nobody can be told that the service manager does not listen, and the service does not depend on it.
        if self.enabled {
            let _ = sd_notify::notify(states);
        }
    }

    /// READY=1, with a line for `systemctl status`.
    pub fn ready(&self, status: &str) {
        self.send(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// RELOADING=1; systemd wants the stamp of its beginning with it.
    pub fn reloading(&self, now: Mono) {
        let stamp = NotifyState::MonotonicUsec(i128::from(now.0 / 1_000));
        self.send(&[NotifyState::Reloading, stamp, NotifyState::Status("reloading")]);
    }

    /// STOPPING=1.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    /// MAINPID=: who is to be followed from now on.
    pub fn main_pid(&self, pid: Pid) {
        self.send(&[NotifyState::MainPid(pid.0.unsigned_abs())]);
    }

    /// When the next WATCHDOG=1 is due.
    pub fn next_watchdog(&self) -> Option<Mono> {
        self.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    /// Sends WATCHDOG=1 if it is due.
    pub fn feed_watchdog(&mut self, now: Mono) {
        let Some(watchdog) = &mut self.watchdog else { return };
        if now >= watchdog.next {
            watchdog.next = now.after(watchdog.every);
            self.send(&[NotifyState::Watchdog]);
        }
    }
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
}
