//! What the application returns is sent, and closed.

use super::file::FileWrapper;
use super::send::{How, bytes};
use super::start::{StartResponse, block};
use super::wait;
use crate::asked::Asked;
use crate::{leave, report};
use bytes::Bytes;
use http::request::Parts;
use pyo3::exceptions::{PyBrokenPipeError, PyConnectionResetError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use rustcorn::types::Level;
use rustcorn::worker::Told;

/// Sends what the application has returned, or says that it has failed. In any case its result is closed, once.
pub(super) fn respond<'py>(
    py: Python<'py>,
    head: &Parts,
    start: &Bound<'py, StartResponse>,
    returned: PyResult<Bound<'py, PyAny>>,
    sendfile: bool,
) {
    let result = match returned {
        Ok(result) => result,
        Err(error) => return fail(py, head, start, &error),
    };
    if let Err(error) = send(py, start, &result, sendfile) {
        fail(py, head, start, &error);
    }
    if start.try_borrow().is_ok_and(|start| start.sending.is_too_long()) {
        let (method, path) = (&head.method, head.uri.path());
        let line = format_args!(
            "The response to {method} {path} gives more than its Content-Length says; the rest is not sent"
        );
        rustcorn::log::line(Level::Error, line);
    }
    if let Err(error) = close(py, &result) {
        tell(py, "The result of the application failed to close (%s)", head, &error);
    }
}

/// The application has raised something.
fn fail(py: Python<'_>, head: &Parts, start: &Bound<'_, StartResponse>, error: &PyErr) {
    let how = start.try_borrow().map_or(How::Open, |start| start.sending.how());
    let what = match how {
        // It has heard of that by an error, which need not be caught.
        How::Gone if is_disconnect(py, error) => None,
        How::Gone => Some("The application failed in %s after its client had left"),
        How::Silent => Some("The application failed to answer %s"),
        How::Open => Some("The response to %s failed midway"),
        How::Over => Some("The application failed in %s after its response was complete"),
    };
    if let Some(what) = what {
        tell(py, what, head, error);
    }
    if let Ok(mut start) = start.try_borrow_mut() {
        start.sending.fail(Box::new(Told));
    }
}

fn is_disconnect(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyBrokenPipeError>(py) || error.is_instance_of::<PyConnectionResetError>(py)
}

fn tell(py: Python<'_>, what: &str, head: &Parts, error: &PyErr) {
    if !leave::begin_if_signalled(py, error) {
        report::failure(py, what, Some(&Asked::of(head)), Some(error));
    }
}

fn close(py: Python<'_>, result: &Bound<'_, PyAny>) -> PyResult<()> {
    // What most applications return has nothing to close.
    if result.is_exact_instance_of::<PyList>() || result.is_exact_instance_of::<PyTuple>() {
        return Ok(());
    }
    let Some(close) = result.getattr_opt(intern!(py, "close"))? else { return Ok(()) };
    // It may take its time, and the client has waited long enough.
    wait::flush(py)?;
    close.call0().map(drop)
}

fn send<'py>(
    py: Python<'py>,
    start: &Bound<'py, StartResponse>,
    result: &Bound<'py, PyAny>,
    sendfile: bool,
) -> PyResult<()> {
    if let Some(only) = only(result) {
        return at_once(py, start, std::slice::from_ref(block(&only)?));
    }
    if let Some(whole) = whole(result)? {
        return at_once(py, start, &whole);
    }
    if sendfile
        && let Ok(wrapper) = result.cast_exact::<FileWrapper>()
        && let Some(part) = wrapper.try_borrow()?.part(py)
        && start.try_borrow_mut()?.sending.finish_with_file(part)?
    {
        return Ok(());
    }
    let mut is_first = true;
    let blocks = result.try_iter()?;
    for item in blocks {
        let item = item?;
        let block = block(&item)?;
        let mut start = start.try_borrow_mut()?;
        if std::mem::take(&mut is_first) && result.len().is_ok_and(|length| length == 1) && !start.sending.has_begun() {
            // It is the only one, so its length is that of the response.
            return start.sending.finish_with(bytes(block));
        }
        start.sending.send(py, block)?;
        if start.sending.is_too_long() || start.sending.is_answered_head() {
            break;
        }
    }
    start.try_borrow_mut()?.sending.finish()
}

/// The block of a list or a tuple that has no others, as most do.
fn only<'py>(result: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    if let Ok(list) = result.cast_exact::<PyList>() {
        if list.len() == 1 { list.get_item(0).ok() } else { None }
    } else {
        let tuple = result.cast_exact::<PyTuple>().ok()?;
        if tuple.len() == 1 { tuple.get_item(0).ok() } else { None }
    }
}

/// The blocks of a list or a tuple, all of which are here already.
fn whole<'py>(result: &Bound<'py, PyAny>) -> PyResult<Option<Vec<Bound<'py, PyBytes>>>> {
    let blocks: PyResult<Vec<_>> = if let Ok(list) = result.cast_exact::<PyList>() {
        list.iter().map(|item| block(&item).cloned()).collect()
    } else if let Ok(tuple) = result.cast_exact::<PyTuple>() {
        tuple.iter().map(|item| block(&item).cloned()).collect()
    } else {
        return Ok(None);
    };
    blocks.map(Some)
}

fn at_once<'py>(py: Python<'py>, start: &Bound<'py, StartResponse>, blocks: &[Bound<'py, PyBytes>]) -> PyResult<()> {
    let mut start = start.try_borrow_mut()?;
    if start.sending.has_begun() {
        // `write` came first.
        for block in blocks {
            start.sending.send(py, block)?;
        }
        return start.sending.finish();
    }
    let body = match blocks {
        [] => Bytes::new(),
        [only] => bytes(only),
        several => several.iter().flat_map(|block| block.as_bytes()).copied().collect(),
    };
    start.sending.finish_with(body)
}
