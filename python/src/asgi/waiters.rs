//! Those who wait for the same thing: an application may have several tasks at either end of an exchange.

use crate::report;
use pyo3::intern;
use pyo3::prelude::*;

/// Futures without values. When there is something, all of them are told, and each looks by itself whether it is for it:
/// one that has been cancelled meanwhile takes nothing from the others.
#[derive(Default)]
pub(super) struct Waiters {
    /// Most often there is one.
    first: Option<Py<PyAny>>,
    more: Vec<Py<PyAny>>,
}

impl Waiters {
    /// One more. What is returned is no longer waited for, and has to be dropped where no lock is held: that may run any
    /// code of Python's.
    #[must_use]
    pub(super) fn add(&mut self, py: Python<'_>, waiter: Py<PyAny>) -> Self {
        let mut before = std::mem::replace(self, Self { first: Some(waiter), more: Vec::new() });
        let Some(first) = before.first.take() else { return before };
        let mut done = Self::default();
        for waiter in std::iter::once(first).chain(before.more) {
            (if is_done(waiter.bind(py)) { &mut done.more } else { &mut self.more }).push(waiter);
        }
        done
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Says that it is time to look again.
    pub(super) fn resolve(self, py: Python<'_>) {
        for waiter in self.first.into_iter().chain(self.more) {
            let waiter = waiter.bind(py);
            if is_done(waiter) {
                continue;
            }
            if let Err(error) = waiter.call_method1(intern!(py, "set_result"), (py.None(),)) {
                report::error(&report::describe(py, &error));
            }
        }
    }
}

/// Futures are asyncio's own: this makes nothing, and calls nothing of the application's.
fn is_done(waiter: &Bound<'_, PyAny>) -> bool {
    let done = waiter.call_method0(intern!(waiter.py(), "done"));
    done.and_then(|done| done.is_truthy()).unwrap_or(true)
}
