//! What the worker tells the arbiter: one JSON object a line, through a pipe.

use crate::abi::Report;
use crate::sys::write::write_within;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long the end of a boot waits for an arbiter that has yet to read what was told before.
const PATIENCE: Duration = Duration::from_secs(5);

/// The worker's end of the report pipe.
#[derive(Debug)]
pub(super) struct Reporter(OwnedFd);

impl Reporter {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends a report. An arbiter that is gone hears nothing, which the lifeline tells us soon enough; reports are few
    /// and shorter than what a pipe holds, so one never waits and is never torn; but for the one that ends the boot,
    /// before which there may be much. False: nobody reads them any more.
    pub(super) fn send(&self, report: &Report) -> bool {
        let ends_boot = matches!(report, Report::Ready | Report::BootFailed { .. });
        let limit = if ends_boot { PATIENCE } else { Duration::ZERO };
        let Err(error) = write_within(&self.0, &report.lines(), limit) else { return true };
        crate::log::debug!("the arbiter cannot be told {report:?}: {error}");
        error.kind() != ErrorKind::BrokenPipe
    }
}
