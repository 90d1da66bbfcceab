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
    /// and shorter than what a pipe holds, so one never waits and is never torn. False: nobody reads them any more.
    pub(super) fn send(&self, report: &Report) -> bool {
        let Err(error) = log_write(&self.0, &report.line()) else { return true };
        crate::log::debug!("the arbiter cannot be told {report:?}: {error}");
        error.kind() != ErrorKind::BrokenPipe
    }
}
