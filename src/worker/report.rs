//! What the worker tells the arbiter: one JSON object a line, through a pipe.

use crate::abi::Report;
use crate::sys::write::log_write;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

/// The worker's end of the report pipe.
#[derive(Debug)]
pub(super) struct Reporter(OwnedFd);

impl Reporter {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends a report. An arbiter that is gone hears nothing, which the lifeline tells us soon enough; reports are few
    /// and shorter than a pipe's atomic write, so one never waits and is never torn. False: nobody reads them any more.
    pub(super) fn send(&self, report: &Report) -> bool {
        let Ok(mut line) = serde_json::to_vec(report) else { return true };
        line.push(b'\n');
        let Err(error) = log_write(&self.0, &line) else { return true };
        crate::log::debug!("the arbiter cannot be told {report:?}: {error}");
        error.kind() != ErrorKind::BrokenPipe
    }
}
