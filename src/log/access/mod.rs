//! The access log: one line for each request, however it ended.
//!
//! A worker makes one [`Access`] when it starts. The engine captures what the format needs of a request's head, and
//! calls [`Access::record`] once at its end; the line is made there and then, into a bounded buffer, and a thread of
//! the worker's own writes whole batches. The event loop waits for nobody: when disk or reader do not keep up, lines
//! are lost, counted, and told of in the operator log. Requests that died with their worker are the arbiter's to tell
//! ([`write_now`]). What was answered within the last tenth of a second before a worker is killed is lost with it.
//!
//! - `format`, `atoms`: `access_log_format`, from text to steps. Pure.
//! - `entry`: what is known of a request at its end.
//! - `render`, `escape`, `stamp`, `basic`: from steps and an entry to a line.
//! - `buffer`, `writer`, `sink`, `losses`: from a line to the disk.
//!
//! The counterpart for the operator's lines is the module above; nothing here decides who owns the file.

mod atoms;
mod basic;
mod buffer;
mod entry;
mod escape;
mod format;
mod losses;
mod render;
mod sink;
mod stamp;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::{Captured, End, Entry};
pub use format::{Format, FormatError, JSON};

use super::{Links, LogError};
use crate::abi::{AccessOrders, Inherited, SyslogOrders};
use crate::sys::fd;
use crate::sys::write::log_write;
use crate::types::Level;
use buffer::Buffer;
use format::Shape;
use http::HeaderMap;
use losses::Losses;
use stamp::Stamp;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use writer::Shared;

/// A worker's access log. Whoever has none writes none, at no cost: keep an `Option<&'static Access>`.
pub struct Access {
    format: Format,
    shared: Arc<Shared>,
    pid: u32,
}

impl Access {
    /// Starts the log that the orders ask for, with its thread: to be called after the signals are set up. `fd` is the
    /// seat's descriptor for it. None: no access log is wanted.
    ///
    /// # Errors
    /// If the thread cannot be started, or the arbiter's format is none (it has checked that).
    pub fn start(orders: &AccessOrders, fd: Option<OwnedFd>) -> io::Result<Option<Self>> {
        if fd.is_none() && orders.syslog.is_none() {
            return Ok(None);
        }
        let format = read(orders)?;
        let shared = Arc::new(Shared { buffer: Buffer::new(stamp_for(&format)), losses: Losses::default() });
        writer::start(Arc::clone(&shared), orders.clone(), fd)?;
        Ok(Some(Self { format, shared, pid: std::process::id() }))
    }

    /// The log of the worker that this process is: [`Self::start`] with what the seat says, for as long as it lives.
    ///
    /// # Errors
    /// As there, and if the seat's descriptor is none.
    pub fn of_seat(seat: &Inherited) -> io::Result<Option<&'static Self>> {
        let fd = (seat.access_fd >= 0).then(|| fd::inherit(seat.access_fd)).transpose()?;
        Ok(Self::start(&seat.orders.access, fd)?.map(|access| &*Box::leak(Box::new(access))))
    }

    /// The process that has started it. The kernel would be asked for it once a line otherwise.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether anything has to be captured of a response's head.
    #[must_use]
    pub fn wants_response_headers(&self) -> bool {
        !self.format.response_headers().is_empty()
    }

    /// Keeps what the format needs of a request's headers, before the application takes them.
    #[must_use]
    pub fn capture_request(&self, headers: &HeaderMap) -> Captured {
        Captured::of(self.format.request_headers(), headers)
    }

    /// Keeps what the format needs of a response's headers, before they are written and dropped.
    #[must_use]
    pub fn capture_response(&self, headers: &HeaderMap) -> Captured {
        Captured::of(self.format.response_headers(), headers)
    }

    /// Makes the line of a request that has ended. Never waits; a line for which there is no room is lost and counted.
    pub fn record(&self, entry: &Entry) {
        if !self.shared.buffer.push(|out, stamp| render::line(out, &self.format, stamp, entry)) {
            self.shared.losses.add(1, &"it does not keep up, and too many lines wait for it already");
        }
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.losses.total()
    }

    /// After a rotation (USR1): the thread opens the file anew as soon as it can. Does not wait for it.
    pub fn reopen(&self) {
        self.shared.buffer.reopen();
    }

    /// At the worker's end: has everything written and waits for that, at most for `limit`. False: time was up.
    /// Lines that come later are lost and counted.
    pub fn close(&self, limit: Duration) -> bool {
        self.shared.buffer.close(limit)
    }
}

/// Writes the lines of requests at once and without waiting: for the arbiter, which has no thread to wait in. Returns
/// how many could not be written.
#[must_use]
pub fn write_now(format: &Format, syslog: Option<&SyslogOrders>, fd: Option<BorrowedFd<'_>>, entries: &[Entry]) -> u64 {
    let mut stamp = stamp_for(format);
    let mut lost = 0;
    for entry in entries {
        let mut line = Vec::new();
        render::line(&mut line, format, &mut stamp, entry);
        if let Some(fd) = fd {
            lost += u64::from(log_write(fd, &line).is_err());
        }
        if let Some(syslog) = syslog {
            let text = String::from_utf8_lossy(&line);
            lost += u64::from(super::syslog::tell(syslog, Level::Info, entry.pid, &text).is_err());
        }
    }
    lost
}

/// Opens an access log to append to it, as a worker does: what its user may not do is refused by the system.
///
/// # Errors
/// With one sentence, if it cannot be opened.
pub fn open(path: &Path) -> Result<OwnedFd, LogError> {
    super::open("accesslog", path, Links::Follow).map(|opened| opened.file.into())
}

fn read(orders: &AccessOrders) -> io::Result<Format> {
    let variable = |name: &str| std::env::var(name).ok();
    let format = Format::parse(&orders.format, variable);
    format.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("access_log_format: {error}")))
}

fn stamp_for(format: &Format) -> Stamp {
    Stamp::new(match format.shape() {
        Shape::Text(_) => stamp::CLF,
        Shape::Json => stamp::RFC3339,
    })
}
