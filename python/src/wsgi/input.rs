//! `wsgi.input`: the body of a request as a file.

use super::receive::Received;
use super::wait;
use bytes::{Buf, Bytes, BytesMut};
use http_body::Body as _;
use pyo3::exceptions::{PyConnectionResetError, PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use rustcorn::Body;
use rustcorn::worker::BodyError;
use std::fs::File;
use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// What is read of a file at a time.
const PIECE: usize = 64 << 10;

/// The body of a request.
#[pyclass(name = "Input", module = "rustcorn")]
pub(super) struct Input {
    /// Received, and not read.
    here: BytesMut,
    rest: Rest,
}

enum Rest {
    Nothing,
    /// What is in a file, and then what is still to come.
    File(File, Option<Mutex<Body>>),
    /// Never shared: the lock is only there because a class of Python has to be `Sync`.
    Coming(Mutex<Body>),
    /// It will not come.
    Lost(String),
}

impl Input {
    /// None: there is no body.
    pub(super) fn new(body: Received) -> Option<Self> {
        let (here, rest) = match body {
            Received::Nothing => return None,
            Received::Whole(bytes) => (bytes.into(), Rest::Nothing),
            Received::Spooled(file, rest) => (BytesMut::new(), Rest::File(file, rest.map(Mutex::new))),
            Received::Coming(body) => (BytesMut::new(), Rest::Coming(Mutex::new(body))),
        };
        Some(Self { here, rest })
    }

    /// The body of a request that has none.
    pub(super) fn empty() -> Self {
        Self { here: BytesMut::new(), rest: Rest::Nothing }
    }

    /// Gets more; false: there is no more.
    fn fill(&mut self, py: Python<'_>) -> PyResult<bool> {
        match &mut self.rest {
            Rest::Nothing => Ok(false),
            Rest::Lost(reason) => Err(PyConnectionResetError::new_err(reason.clone())),
            Rest::File(file, rest) => {
                let at = self.here.len();
                self.here.resize(at + PIECE, 0);
                let here = &mut self.here[at..];
                let read = py.detach(|| file.read(here));
                self.here.truncate(at + read.as_ref().copied().unwrap_or(0));
                let count = read.map_err(|error| PyOSError::new_err(error.to_string()))?;
                if count == 0 {
                    self.rest = rest.take().map_or(Rest::Nothing, Rest::Coming);
                    return self.fill(py);
                }
                Ok(true)
            }
            Rest::Coming(body) => {
                let body = body.get_mut().unwrap_or_else(PoisonError::into_inner);
                match wait::wait(py, next(body))? {
                    Some(Ok(piece)) => {
                        self.add(piece);
                        Ok(true)
                    }
                    None => {
                        self.rest = Rest::Nothing;
                        Ok(false)
                    }
                    Some(Err(error)) => {
                        let reason = error.to_string();
                        self.rest = Rest::Lost(reason.clone());
                        Err(PyConnectionResetError::new_err(reason))
                    }
                }
            }
        }
    }

    fn add(&mut self, piece: Bytes) {
        if self.here.is_empty() {
            self.here = piece.into();
        } else {
            self.here.extend_from_slice(&piece);
        }
    }

    /// Takes the first bytes of what is here.
    fn take<'py>(&mut self, py: Python<'py>, count: usize) -> Bound<'py, PyBytes> {
        let count = count.min(self.here.len());
        let bytes = PyBytes::new(py, &self.here[..count]);
        self.here.advance(count);
        bytes
    }

    /// One line of at most `limit` bytes; empty: there is no more.
    fn line<'py>(&mut self, py: Python<'py>, limit: usize) -> PyResult<Bound<'py, PyBytes>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.here[searched..].iter().position(|byte| *byte == b'\n') {
                return Ok(self.take(py, (searched + at + 1).min(limit)));
            }
            searched = self.here.len();
            if searched >= limit || !self.fill(py)? {
                return Ok(self.take(py, limit));
            }
        }
    }
}

/// The next bytes of a body; none: it is complete.
async fn next(body: &mut Body) -> Option<Result<Bytes, BodyError>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await? {
            Err(error) => return Some(Err(error)),
            Ok(frame) => {
                if let Ok(piece) = frame.into_data()
                    && !piece.is_empty()
                {
                    return Some(Ok(piece));
                }
            }
        }
    }
}

/// How many bytes a size stands for: none and what is negative mean all.
fn limit(size: Option<&Bound<'_, PyAny>>) -> PyResult<usize> {
    let Some(size) = size else { return Ok(usize::MAX) };
    let size: i64 =
        size.extract().map_err(|_| PyTypeError::new_err(format!("a size is a number or None, not {size:?}")))?;
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

#[pymethods]
impl Input {
    #[pyo3(signature = (size = None, /))]
    fn read<'py>(&mut self, py: Python<'py>, size: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyBytes>> {
        let limit = limit(size)?;
        while self.here.len() < limit && self.fill(py)? {}
        Ok(self.take(py, limit))
    }

    #[pyo3(signature = (size = None, /))]
    fn readline<'py>(&mut self, py: Python<'py>, size: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyBytes>> {
        self.line(py, limit(size)?)
    }

    /// Lines until they have `hint` bytes together; none, zero or less: all.
    #[pyo3(signature = (hint = None, /))]
    fn readlines<'py>(&mut self, py: Python<'py>, hint: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyList>> {
        let limit = match limit(hint)? {
            0 => usize::MAX,
            limit => limit,
        };
        let lines = PyList::empty(py);
        let mut total = 0;
        while total < limit {
            let line = self.line(py, usize::MAX)?;
            let length = line.as_bytes().len();
            if length == 0 {
                break;
            }
            total += length;
            lines.append(line)?;
        }
        Ok(lines)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.line(py, usize::MAX)?;
        Ok(Some(line).filter(|line| !line.as_bytes().is_empty()))
    }
}
