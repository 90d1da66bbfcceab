//! The arbiter's part in the access log: the file is opened here, before privileges are dropped, and the lines of
//! requests that died with their worker are written here. All other lines are the workers'.

use super::load::LoadError;
use super::logfile::{LogFile, Made};
use super::orders;
use crate::abi::{AccessOrders, SyslogTarget};
use crate::log;
use crate::log::access::{Captured, End, Entry, Format, write_now};
use crate::scoreboard::InFlight;
use crate::settings::{AccessOutput, Settings};
use crate::supervisor::{Cause, Symptom};
use crate::sys::privileges::Identity;
use crate::types::{ExitStatus, Mono, Pid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Beyond this many requests of one worker that the scoreboard had no room for, no more lines are written.
const MOST_UNNAMED: u32 = 1000;

/// The access log of one generation.
pub struct AccessLog {
    orders: AccessOrders,
    /// Read with the environment of the workers.
    format: Format,
    output: Output,
}

enum Output {
    None,
    /// Never owned: as a daemon it changes under our feet.
    Stdout,
    File(OwnedFd),
}

impl AccessLog {
    /// Opens what the settings name and gives the file to the user of the workers, who must be able to reopen it.
    /// What was made for it goes again unless it is kept.
    pub fn open(
        settings: &Settings,
        syslog: Option<&SyslogTarget>,
        identity: &Identity,
    ) -> Result<(Self, Made), LoadError> {
        let orders = orders::access_orders(settings, syslog);
        let (output, made) = match settings.access_output() {
            AccessOutput::None => (Output::None, Made::nothing()),
            AccessOutput::Stdout => (Output::Stdout, Made::nothing()),
            AccessOutput::File(path) => {
                let (fd, made) = LogFile::open_access(path, identity)?.split();
                (Output::File(fd), made)
            }
        };
        let log = Self { orders, format: format(settings)?, output };
        if log.is_on() {
            for atom in log.format.unknown() {
                log::warn!("access_log_format: %({atom})s is no atom that is known; it is logged as \"-\"");
            }
        }
        Ok((log, made))
    }

    /// After a rotation: the file under its name, which may be a new one. On failure the old one stays in use.
    pub fn reopen(&mut self, identity: &Identity) -> Result<(), LoadError> {
        if let Some(path) = &self.orders.path {
            self.output = Output::File(LogFile::open_access(path, identity)?.keep());
        }
        Ok(())
    }

    /// The descriptor for a worker's seat; -1: none.
    pub fn raw_fd(&self) -> i32 {
        match &self.output {
            Output::None => -1,
            Output::Stdout => io::stdout().as_raw_fd(),
            Output::File(fd) => fd.as_raw_fd(),
        }
    }

    /// Writes a line for each request that a dead worker has left: `named` are those that the scoreboard knows, `count`
    /// is how many there were. 504 is for those whose worker was ended by `timeout`, 502 for the others; neither was
    /// sent.
    pub fn tell_lost(&self, pid: Pid, death: (&ExitStatus, &Cause), named: &[InFlight], count: u32, now: Mono) {
        // Who leaves in order has told of its requests itself, and has none left; but for one whose event loop was
        // blocked to the end.
        if !self.is_on() || named.is_empty() && count == 0 {
            return;
        }
        let status = if matches!(death.1, Cause::Killed(Symptom::Hung(_))) { 504 } else { 502 };
        let nothing = Captured::none();
        let unnamed = Entry {
            client: None,
            method: "",
            target: b"",
            version: None,
            status,
            sent: None,
            took: Duration::ZERO,
            end: End::WorkerKilled,
            request: &nothing,
            response: &nothing,
            request_id: None,
            pid: pid.0.cast_unsigned(),
        };
        let mut entries: Vec<Entry> = named
            .iter()
            .map(|lost| Entry {
                method: &lost.method,
                target: lost.path.as_bytes(),
                took: now.since(lost.since),
                ..unnamed
            })
            .collect();
        let known = u32::try_from(named.len()).unwrap_or(u32::MAX);
        entries.extend((0..count.saturating_sub(known).min(MOST_UNNAMED)).map(|_| unnamed));
        let lost = write_now(&self.format, self.orders.syslog.as_ref(), self.fd(), &entries);
        if lost > 0 {
            log::warn!("{lost} lines of the access log, of requests that died with a worker, were lost");
        }
    }

    fn is_on(&self) -> bool {
        !matches!(self.output, Output::None) || self.orders.syslog.is_some()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.output {
            Output::None => None,
            // Borrowed by number: the standard streams are never closed, only replaced.
            Output::Stdout => crate::sys::fd::borrow(io::stdout().as_raw_fd()),
            Output::File(fd) => Some(fd.as_fd()),
        }
    }
}

/// Reads the format as a worker will, environment included.
pub fn format(settings: &Settings) -> Result<Format, LoadError> {
    let variable = |name: &str| {
        let own = settings.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var(name).ok())
    };
    Format::parse(&settings.access_log_format, variable)
        .map_err(|error| LoadError::failure(format!("access_log_format: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Signal;

    fn told(cause: &Cause, status: ExitStatus, count: u32) -> String {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("x.log");
        let settings = Settings {
            accesslog: Some(path.to_string_lossy().into_owned()),
            access_log_format: "%(h)s \"%(r)s\" %(s)s %(b)s %(T)s %(p)s %({SHOP}e)s".into(),
            env: vec![("SHOP".into(), "books".into())],
            ..Settings::default()
        };
        let identity = crate::sys::privileges::identity(None, None, false).expect("ourselves");
        let (log, made) = AccessLog::open(&settings, None, &identity).expect("opened");
        made.keep();
        let lost = InFlight { method: "GET".into(), path: "/slow?\n".into(), since: Mono(1) };
        log.tell_lost(Pid(77), (&status, cause), &[lost], count, Mono(3_000_000_001));
        std::fs::read_to_string(&path).expect("a file")
    }

    #[test]
    fn each_lost_request_has_a_line() {
        let killed = ExitStatus::Signal { signal: Signal::KILL, core_dumped: false };
        let line = "- \"GET /slow?\\x0a -\" 502 - 3 <77> books\n";
        assert_eq!(told(&Cause::Unexpected, killed, 1), line);
        assert_eq!(told(&Cause::Unexpected, killed, 3), format!("{line}{0}{0}", "- \"-\" 502 - 0 <77> books\n"));
        let hung = Cause::Killed(Symptom::Hung(Duration::from_secs(30)));
        assert_eq!(told(&hung, killed, 1), line.replace("502", "504"));
        assert_eq!(told(&Cause::Asked, killed, 1), line);
        // It could not end its request itself: its event loop was blocked.
        assert_eq!(told(&Cause::Asked, ExitStatus::Code(0), 1), line);
    }

    #[test]
    fn no_access_log_opens_nothing_and_says_nothing() {
        let identity = crate::sys::privileges::identity(None, None, false).expect("ourselves");
        let (mut log, _made) = AccessLog::open(&Settings::default(), None, &identity).expect("nothing to open");
        assert_eq!(log.raw_fd(), -1);
        assert!(log.reopen(&identity).is_ok() && log.fd().is_none());
    }
}
