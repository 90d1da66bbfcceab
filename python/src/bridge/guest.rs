//! Tokio's loop as a guest of uvloop's, which takes no selector: it watches tokio's epoll as one of its own descriptors.
//!
//! Tokio does not tell when its next timer rings, so its loop is turned now and then as well: a millisecond after it had
//! something to do, and ever less often while it has not. A timer of the worker's rings late by as much as it takes.
//!
//! uvloop calls nothing that is written in Python for this: a handler of signals runs in the middle of any Python code, and
//! what it raises there would end our being called.

use super::brink::Brink;
use super::hub::Hub;
use super::stage::Stage;
use super::sweep::Sweep;
use crate::interp;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::{fs, io};
use tokio::runtime::Runtime;

/// So often in a row one loop leaves something for the other, before Python's own loop has its turn.
const MOST: usize = 8;

/// So many seconds after tokio had something to do.
const SOON: f64 = 0.001;

/// The half that is not Python: `rustcorn._uvloop` has the rest.
#[pyclass(unsendable)]
pub(super) struct Guest {
    hub: Arc<Hub>,
    stage: Rc<Stage>,
    sweep: Sweep,
    is_turning: Cell<bool>,
    fd: RawFd,
    rhythm: OnceCell<Rhythm>,
}

/// When the loop is turned.
struct Rhythm {
    event_loop: Py<PyAny>,
    look: Py<PyAny>,
    throw: Py<PyAny>,
    /// The longest pause, in seconds.
    late: f64,
    pause: Cell<f64>,
    was_called: Cell<bool>,
    timer: RefCell<Option<Py<PyAny>>>,
}

impl Rhythm {
    fn set_timer(&self, py: Python<'_>) -> PyResult<()> {
        let timer = self.event_loop.call_method1(py, intern!(py, "call_later"), (self.pause.get(), &self.look))?;
        drop(self.timer.replace(Some(timer)));
        Ok(())
    }
}

impl Guest {
    pub(super) fn new(runtime: &Runtime, hub: Arc<Hub>, stage: Rc<Stage>, brink: Arc<Brink>) -> io::Result<Self> {
        let _context = runtime.enter();
        let sweep = Sweep::new(hub.clone(), stage.clone(), brink)?;
        let fd = watcher_of(sweep.bell.ringer().as_raw_fd())?;
        hub.ring_for_turns(sweep.bell.ringer().clone());
        Ok(Self { hub, stage, sweep, is_turning: Cell::new(false), fd, rhythm: OnceCell::new() })
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

    fn rhythm(&self) -> PyResult<&Rhythm> {
        self.rhythm.get().ok_or_else(|| PyRuntimeError::new_err("the loop has no guest yet"))
    }

    /// What it raises is the other loop's to handle, as of any other callback.
    fn turn_and_tell(&self, py: Python<'_>, rhythm: &Rhythm) -> PyResult<()> {
        let Err(error) = self.turn(py) else { return Ok(()) };
        rhythm
            .event_loop
            .call_method1(py, intern!(py, "call_soon"), (&rhythm.throw, interp::raised(py, &error)))
            .map(drop)
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
}

#[pymethods]
impl Guest {
    /// From now on this loop turns ours, whose timers may ring so many seconds too late; `throw` raises what it is given.
    fn begin(slf: &Bound<'_, Self>, event_loop: Py<PyAny>, late: f64, throw: Py<PyAny>) -> PyResult<()> {
        let (py, guest) = (slf.py(), slf.borrow());
        let look = slf.getattr(intern!(py, "look"))?.unbind();
        let rhythm = Rhythm {
            event_loop,
            look,
            throw,
            late,
            pause: Cell::new(SOON),
            was_called: Cell::new(false),
            timer: RefCell::default(),
        };
        rhythm.set_timer(py)?;
        let called = slf.getattr(intern!(py, "called"))?;
        rhythm.event_loop.call_method1(py, intern!(py, "add_reader"), (guest.fd, called))?;
        guest.rhythm.set(rhythm).map_err(|_| PyRuntimeError::new_err("the loop has a guest already"))
    }

    /// There is something to do.
    fn called(&self, py: Python<'_>) -> PyResult<()> {
        let rhythm = self.rhythm()?;
        rhythm.was_called.set(true);
        if rhythm.pause.replace(SOON) > SOON {
            if let Some(timer) = rhythm.timer.take() {
                timer.call_method0(py, intern!(py, "cancel"))?;
            }
            rhythm.set_timer(py)?;
        }
        self.turn_and_tell(py, rhythm)
    }

    /// Perhaps a timer has to ring.
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        let rhythm = self.rhythm()?;
        let is_busy = rhythm.was_called.replace(false);
        rhythm.pause.set(if is_busy { SOON } else { rhythm.late.min(2.0 * rhythm.pause.get()) });
        rhythm.set_timer(py)?;
        self.turn_and_tell(py, rhythm)
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
