//! When a loop that is a guest is turned though nothing has called it.
//!
//! Tokio does not tell when its next timer rings, so its loop is turned now and then: a millisecond after it had something to
//! do, and ever less often while it has not.

use crate::interp;
use pyo3::intern;
use pyo3::prelude::*;
use std::cell::{Cell, RefCell};

/// After tokio had something to do.
const SOON: f64 = 0.001;

/// The host's timer, that calls again and again.
pub(super) struct Rounds {
    event_loop: Py<PyAny>,
    look: Py<PyAny>,
    throw: Py<PyAny>,
    late: f64,
    pause: Cell<f64>,
    was_called: Cell<bool>,
    timer: RefCell<Option<Py<PyAny>>>,
}

impl Rounds {
    pub(super) fn new(
        event_loop: &Bound<'_, PyAny>,
        look: Bound<'_, PyAny>,
        throw: Bound<'_, PyAny>,
        late: f64,
    ) -> Self {
        Self {
            event_loop: event_loop.clone().unbind(),
            look: look.unbind(),
            throw: throw.unbind(),
            late,
            pause: Cell::new(SOON),
            was_called: Cell::new(false),
            timer: RefCell::new(None),
        }
    }

    /// `look` is called after the pause.
    pub(super) fn arm(&self, py: Python<'_>) -> PyResult<()> {
        let timer = self.event_loop.call_method1(py, intern!(py, "call_later"), (self.pause.get(), &self.look))?;
        // What this drops may be more than a pointer: it is not borrowed any more by then.
        let earlier = self.timer.replace(Some(timer));
        drop(earlier);
        Ok(())
    }

    /// It was called: the next look is soon.
    pub(super) fn sooner(&self, py: Python<'_>) -> PyResult<()> {
        self.was_called.set(true);
        if self.pause.replace(SOON) <= SOON {
            return Ok(());
        }
        let earlier = self.timer.take();
        let cancelled = earlier.map_or(Ok(()), |timer| timer.call_method0(py, intern!(py, "cancel")).map(drop));
        self.arm(py).and(cancelled)
    }

    /// It has looked: the next look is the later, the longer nothing has called.
    pub(super) fn following(&self, py: Python<'_>) -> PyResult<()> {
        let was_called = self.was_called.replace(false);
        self.pause.set(if was_called { SOON } else { self.late.min(2.0 * self.pause.get()) });
        self.arm(py)
    }

    /// Raised here, an error would end its being called; as of any other callback, the loop makes of it what it should.
    pub(super) fn tell(&self, py: Python<'_>, turned: PyResult<()>) -> PyResult<()> {
        let Err(error) = turned else { return Ok(()) };
        self.event_loop.call_method1(py, intern!(py, "call_soon"), (&self.throw, interp::raised(py, &error))).map(drop)
    }
}
