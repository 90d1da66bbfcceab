//! The process's one logger.
//!
//! The lock inside is held only to look which logger it is, never during a write: a thread that a sick disk holds up
//! holds up nobody else. The arbiter has one thread, so no lock is ever held at the moment of a fork, and a child finds
//! a logger that works. Before `init`, lines go to the standard error stream.

use super::format::{self, Fields, Record, Span};
use super::open::{Links, LogError, open};
use super::sink::{Losses, deliver};
use super::syslog;
use crate::abi::LogOrders;
use crate::sys::write::wait_writable;
use crate::types::Level;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

struct Logger {
    orders: LogOrders,
    fd: OwnedFd,
}

static LOGGER: RwLock<Option<Arc<Logger>>> = RwLock::new(None);
static LOSSES: Losses = Losses::new();
/// What syslog did not take; its file may have it.
static SYSLOG_LOSSES: Losses = Losses::new();
/// The least level that is written, beside the lock so that a line that nobody wants costs one load.
static LEAST: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Takes `fd` as the log and `orders` as its shape; what was in use before is closed.
pub fn init(orders: LogOrders, fd: OwnedFd) {
    LEAST.store(orders.level as u8, Ordering::Relaxed);
    if orders.capture && orders.path.is_some() {
        // A worker whose output goes where it went before serves as well.
        let _ = crate::sys::fd::send_output_to(&fd);
    }
    let number = fd.as_raw_fd();
    let logger = Arc::new(Logger { orders, fd });
    let former = LOGGER.write().unwrap_or_else(PoisonError::into_inner).replace(logger);
    // After the lock: closing a file on a sick disk may take its time.
    match former {
        // A worker with its application linked in: this is the arbiter's logger, and its descriptor the one that the
        // seat has handed on to us. It has two owners now, of whom one must not close it.
        Some(former) if former.fd.as_raw_fd() == number => std::mem::forget(former),
        former => drop(former),
    }
}

/// For a child that closes every descriptor but those in `keep`: a log that is not among them is not used any more, nor
/// closed a second time. Until the next [`init`], lines go to the standard error stream.
pub fn abandon_unless(keep: &[RawFd]) {
    let mut logger = LOGGER.write().unwrap_or_else(PoisonError::into_inner);
    if logger.as_ref().is_some_and(|logger| !keep.contains(&logger.fd.as_raw_fd())) {
        std::mem::forget(logger.take());
    }
}

/// Opens what `orders` name: the file, or the standard error stream. To be handed to [`init`], so that nothing changes
/// before everything is known to work.
///
/// # Errors
/// If it cannot be opened.
pub fn destination(orders: &LogOrders) -> Result<OwnedFd, LogError> {
    match &orders.path {
        Some(path) => open("errorlog", path, Links::Follow).map(|opened| opened.file.into()),
        None => stderr(),
    }
}

/// A descriptor of the standard error stream.
///
/// # Errors
/// If there is none.
pub fn stderr() -> Result<OwnedFd, LogError> {
    io::stderr().as_fd().try_clone_to_owned().map_err(LogError::Stderr)
}

/// Goes over to other orders, reopening the file. On failure everything stays as it was.
///
/// # Errors
/// If the new file cannot be opened.
pub fn reconfigure(orders: LogOrders) -> Result<(), LogError> {
    let fd = destination(&orders)?;
    init(orders, fd);
    Ok(())
}

/// Opens the file again under its name (after a log rotation). On failure the old one stays in use. A log without a
/// file has nothing to reopen.
///
/// # Errors
/// If the file cannot be opened.
pub fn reopen() -> Result<(), LogError> {
    match current() {
        Some(logger) if logger.orders.path.is_some() => reconfigure(logger.orders.clone()),
        _ => Ok(()),
    }
}

/// The descriptor of the log, for a worker's seat. It stays open until the next `init`, `reconfigure` or `reopen`.
#[must_use]
pub fn raw_fd() -> RawFd {
    current().map_or_else(|| io::stderr().as_raw_fd(), |logger| logger.fd.as_raw_fd())
}

/// How many lines this process has lost because the log took no more.
#[must_use]
pub fn dropped() -> u64 {
    LOSSES.total() + SYSLOG_LOSSES.total()
}

/// Whether a line of this level is written at all.
#[must_use]
pub fn enabled(level: Level) -> bool {
    level as u8 >= LEAST.load(Ordering::Relaxed)
}

/// Writes one line. Never fails, never blocks.
pub fn write(level: Level, message: &str) {
    if enabled(level) {
        emit(level, message, None, &Fields::new(), &[]);
    }
}

/// The same for a message that is not to be lost because a reader is slow: waits for room, at most for `limit`.
pub fn write_within(level: Level, message: &str, limit: Duration) {
    if enabled(level) {
        if let Some(logger) = current() {
            // A log that cannot be waited for can be written to, or what is lost there is told of.
            let _ = wait_writable(&logger.fd, limit);
        }
        write(level, message);
    }
}

/// What the macros call: formats only what is written.
pub fn line(level: Level, message: fmt::Arguments<'_>) {
    if enabled(level) {
        write(level, &message.to_string());
    }
}

/// Writes one line with everything that an application's event has.
pub(super) fn emit(level: Level, message: &str, target: Option<&str>, fields: &Fields, spans: &[Span]) {
    let time = jiff::Zoned::now();
    // Asked each time: after a fork it is another one.
    let pid = std::process::id();
    let record = Record { time: &time, pid, level, message, target, fields, spans };
    let logger = current();
    let (json, colors) = logger.as_ref().map_or((false, false), |logger| (logger.orders.json, logger.orders.colors));
    let shape = |record: &Record| if json { format::json(record) } else { format::text(record, colors) };
    let notice = |lost: u64| {
        let message = lost_lines(lost);
        shape(&Record { level: Level::Warning, message: &message, target: None, fields: &[], spans: &[], ..record })
    };
    let line = shape(&record);
    match &logger {
        Some(logger) => deliver(&logger.fd, &LOSSES, &line, notice),
        None => deliver(io::stderr(), &LOSSES, &line, notice),
    }
    if let Some(orders) = logger.as_ref().and_then(|logger| logger.orders.syslog.as_ref()) {
        let text = if json { line } else { format::bare(&record) };
        SYSLOG_LOSSES.tell_after(
            || syslog::tell(orders, level, pid, &text),
            |lost| {
                let text = lost_lines(lost);
                syslog::tell(orders, Level::Warning, pid, &text)
            },
        );
    }
}

fn lost_lines(lost: u64) -> String {
    let lines = if lost == 1 { "line" } else { "lines" };
    format!("{lost} log {lines} could not be written before this one")
}

fn current() -> Option<Arc<Logger>> {
    LOGGER.read().unwrap_or_else(PoisonError::into_inner).clone()
}
