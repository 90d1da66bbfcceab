//! Tokio's loop as a guest of uvloop's, which takes no selector: it watches tokio's epoll as one of its own descriptors, and
//! turns it when there is something to do.
//!
//! uvloop calls this without a line of Python in between: there a handler of signals might run and raise, and neither would be
//! called again.

use super::brink::Brink;
use super::hub::Hub;
use super::rounds::Rounds;
use super::stage::Stage;
use super::sweep::Sweep;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::{Cell, OnceCell};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::{fs, io};
use tokio::runtime::Runtime;

/// So often in a row one loop leaves something for the other, before Python's own loop has its turn.
const MOST: usize = 8;

/// What uvloop's loop calls; `rustcorn._uvloop` makes them known to each other.
#[pyclass(unsendable)]
pub(super) struct Guest {
    hub: Arc<Hub>,
    stage: Rc<Stage>,
    sweep: Sweep,
    is_turning: Cell<bool>,
    fd: RawFd,
    rounds: OnceCell<Rounds>,
}

impl Guest {
    pub(super) fn new(runtime: &Runtime, hub: Arc<Hub>, stage: Rc<Stage>, brink: Arc<Brink>) -> io::Result<Self> {
        let _context = runtime.enter();
        let sweep = Sweep::new(hub.clone(), stage.clone(), brink)?;
        let fd = watcher_of(sweep.bell.ringer().as_raw_fd())?;
        hub.ring_for_turns(sweep.bell.ringer().clone());
        Ok(Self { hub, stage, sweep, is_turning: Cell::new(false), fd, rounds: OnceCell::new() })
    }

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
    /// From now on this loop calls. A timer of tokio's rings late by as much as `late` at most, and `throw` raises what it is
    /// given.
    fn begin(slf: &Bound<'_, Self>, event_loop: &Bound<'_, PyAny>, late: f64, throw: Bound<'_, PyAny>) -> PyResult<()> {
        let guest = slf.borrow();
        let rounds = Rounds::new(event_loop, slf.getattr("look")?, throw, late);
        rounds.arm(slf.py())?;
        guest.rounds.set(rounds).map_err(|_| PyRuntimeError::new_err("it has begun already"))?;
        event_loop.call_method1("add_reader", (guest.fd, slf.getattr("called")?))?;
        Ok(())
    }

    /// There is something to do.
    fn called(&self, py: Python<'_>) -> PyResult<()> {
        self.rounds.get().map_or(Ok(()), |rounds| {
            let armed = rounds.sooner(py);
            rounds.tell(py, self.turn(py).and(armed))
        })
    }

    /// Perhaps a timer has to ring.
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        self.rounds.get().map_or(Ok(()), |rounds| {
            let armed = rounds.following(py);
            rounds.tell(py, self.turn(py).and(armed))
        })
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
