//! Handlers of signals that the application has installed in Python. The interpreter calls them on the main thread only, in
//! the middle of Python code; ours mostly turns the event loop, or is asleep in it, and has to be woken for them.

use crate::{leave, report};
use pyo3::prelude::*;
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream as Pair;
use std::task::{Context, Poll};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

/// Hears that one of them is to be called.
pub(super) struct Handlers(UnixStream);

impl Handlers {
    /// From now on.
    pub(super) fn hear(runtime: &Runtime) -> io::Result<Self> {
        let (ours, interpreters) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        interpreters.set_nonblocking(true)?;
        let _context = runtime.enter();
        let heard = Self(UnixStream::from_std(ours)?);
        Python::attach(|py| {
            // Never closed: its number would be another's, and signals come until the process ends.
            let number = interpreters.into_raw_fd();
            py.import("rustcorn._signals")?.call_method1("hear", (number,)).map(drop)
        })
        .map_err(io::Error::other)?;
        Ok(heard)
    }

    /// Inside of the event loop: whether one is to be called.
    pub(super) fn are_due(&self, cx: &mut Context<'_>) -> bool {
        let mut numbers = [0; 64];
        let mut are_due = false;
        while let Poll::Ready(Ok(())) = self.0.poll_read_ready(cx) {
            match self.0.try_read(&mut numbers) {
                Ok(0) => break,
                Ok(_) => are_due = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        are_due
    }

    /// Between requests: calls them. One that wants the end has it, any other exception is told.
    pub(super) fn call(py: Python<'_>) {
        match py.check_signals() {
            Ok(()) => {}
            Err(error) if leave::is_wish(py, &error) => leave::begin(py, &error),
            Err(error) => {
                let error = report::describe(py, &error);
                report::error(&format!("A handler of signals of the application's failed: {error}"));
            }
        }
    }
}
