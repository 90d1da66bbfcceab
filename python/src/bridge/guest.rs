//! Tokio's loop as a guest of uvloop's, which takes no selector: it watches tokio's epoll as one of its own descriptors.

use super::brink::Brink;
use super::hub::Hub;
use super::stage::Stage;
use super::sweep::Sweep;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::Cell;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::{fs, io};
use tokio::runtime::Runtime;

/// So often in a row one loop leaves something for the other, before Python's own loop has its turn.
const MOST: usize = 8;

/// The half that is not Python: `rustcorn._uvloop` has the rest.
#[pyclass(unsendable)]
pub(super) struct Guest {
    hub: Arc<Hub>,
    stage: Rc<Stage>,
    sweep: Sweep,
    is_turning: Cell<bool>,
    fd: RawFd,
}

impl Guest {
    pub(super) fn new(runtime: &Runtime, hub: Arc<Hub>, stage: Rc<Stage>, brink: Arc<Brink>) -> io::Result<Self> {
        let _context = runtime.enter();
        let sweep = Sweep::new(hub.clone(), stage.clone(), brink)?;
        let fd = watcher_of(sweep.bell.ringer().as_raw_fd())?;
        hub.ring_for_turns(sweep.bell.ringer().clone());
        Ok(Self { hub, stage, sweep, is_turning: Cell::new(false), fd })
    }

    fn turn_often(&self, py: Python<'_>) -> PyResult<()> {
        for _ in 0..MOST {
            self.stage.detached(py, |runtime| self.sweep.run(runtime))?;
            // What uvloop has to do is not told.
            self.hub.work(py, 0);
            if self.hub.depart() {
                break;
            }
        }
        Ok(())
    }
}

#[pymethods]
impl Guest {
    /// What the other loop watches: readable when there is something to do.
    fn fileno(&self) -> RawFd {
        self.fd
    }

    /// Does it.
    fn turn(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_turning.replace(true) {
            return Err(PyRuntimeError::new_err("the loop is turning already"));
        }
        self.hub.attend();
        let turned = self.turn_often(py);
        self.hub.leave();
        self.is_turning.set(false);
        turned?;
        self.stage.end(py)
    }
}

/// The epoll that watches `fd`: tokio does not tell its own.
fn watcher_of(fd: RawFd) -> io::Result<RawFd> {
    let is_it = |entry: &fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        text.lines().any(|line| {
            line.strip_prefix("tfd:")
                .is_some_and(|rest| rest.split_whitespace().next().and_then(|number| number.parse().ok()) == Some(fd))
        })
    };
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        let entry = entry?;
        if is_it(&entry)
            && let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok())
        {
            return Ok(number);
        }
    }
    Err(io::Error::other("/proc/self/fdinfo does not tell the descriptor of the worker's epoll"))
}
