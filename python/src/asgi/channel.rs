//! What the application calls: `receive` and `send`.

use super::exchange::{Exchange, State};
use super::fault;
use super::host::Setup;
use super::input::Next;
use super::output::Phase;
use super::service::Reply;
use super::waiters::Waiters;
use super::waiting::{Peer, Waiting, What, sent};
use super::{extensions, head, message};
use crate::asked::Asked;
use crate::stretch::Stretch;
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::{Arc, MutexGuard};

/// The application's end of an exchange.
#[pyclass(frozen)]
pub(super) struct Channel {
    pub(super) exchange: Arc<Exchange>,
}

type Ends<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// `receive` and `send`.
pub(super) fn open(py: Python<'_>, exchange: Arc<Exchange>) -> PyResult<Ends<'_>> {
    let channel = Bound::new(py, Channel { exchange })?;
    Ok((channel.getattr(intern!(py, "receive"))?, channel.getattr(intern!(py, "send"))?))
}

#[pymethods]
impl Channel {
    fn receive(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Waiting::new(self.exchange.clone(), What::Receive))?.into_any())
    }

    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        sent(message.py(), &self.exchange, self.exchange.send(message))
    }
}

impl Peer for Exchange {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn receive(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let mut state = self.lock();
        let ended = state.has_ended();
        let next = state.input.next(ended);
        drop(state);
        Ok(match next {
            Next::Bytes(bytes, more) => Some(message::request(py, &bytes, more)?.into_any().unbind()),
            Next::Disconnect => Some(message::disconnect(py)?.into_any().unbind()),
            Next::Wait => None,
        })
    }

    fn await_message(&self, py: Python<'_>, waiter: Py<PyAny>) {
        let mut state = self.lock();
        let done = state.input.waiters.add(py, waiter);
        // Whoever polls for the worker reads.
        let waker = if state.input.wants() { state.input.reader.take().or_else(|| state.worker.take()) } else { None };
        drop(state);
        drop(done);
        self.wake(waker);
    }

    fn has_room(&self) -> PyResult<bool> {
        let state = self.lock();
        if state.gone || state.output.has_failed() { Err(fault::gone()) } else { Ok(state.output.has_room()) }
    }

    fn await_room(&self, py: Python<'_>, waiter: Py<PyAny>) {
        let mut state = self.lock();
        let done = state.output.waiters.add(py, waiter);
        drop(state);
        drop(done);
    }
}

impl Exchange {
    /// Takes a message of the application's. True: it has to wait before it sends more.
    fn send(self: &Arc<Self>, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = message.py();
        let message = message.cast::<PyDict>()?;
        let kind = message::kind(message)?;
        let is = |name: &Bound<'_, PyString>| kind.is(name) || kind.as_any().eq(name).unwrap_or(false);
        if is(intern!(py, "http.response.body")) {
            let body = message::body(message)?;
            let more = message::flag(message, intern!(py, "more_body"))?;
            self.send_body(py, body, more)
        } else if is(intern!(py, "http.response.start")) {
            self.send_start(message)
        } else if is(intern!(py, "http.response.pathsend")) {
            let stretch = Stretch::of_path(message)?;
            self.send_path(py, stretch)
        } else if is(intern!(py, "http.response.zerocopysend")) {
            let stretch = Stretch::of_file(message)?;
            let more = message::flag(message, intern!(py, "more_body"))?;
            self.send_part(py, stretch, more)
        } else if is(intern!(py, "http.response.trailers")) {
            self.send_trailers(message)
        } else if is(intern!(py, "http.response.early_hint")) {
            self.send_hint(message)
        } else {
            Err(PyRuntimeError::new_err(format!("{kind} is no message of a HTTP response that this server knows")))
        }
    }

    fn send_start(&self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        // Read first: it is Python's iterables that are read, and they may do anything.
        let (parts, trailers) = head::read(message)?;
        let mut state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        if !matches!(state.output.phase, Phase::Silent) {
            return Err(PyRuntimeError::new_err("http.response.start was sent before"));
        }
        state.output.phase = Phase::Head(Box::new(parts), trailers);
        Ok(false)
    }

    fn send_body(self: &Arc<Self>, py: Python<'_>, body: Bytes, more: bool) -> PyResult<bool> {
        let mut state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        match std::mem::replace(&mut state.output.phase, Phase::Finished) {
            Phase::Head(parts, false) if !more => {
                state.answer = Some(Ok(Response::from_parts(*parts, Reply::whole(body))));
            }
            before => {
                self.go_on(&mut state, before, more)?;
                state.output.push(body);
            }
        }
        self.tell(py, state)
    }

    fn send_part(self: &Arc<Self>, py: Python<'_>, stretch: Stretch, more: bool) -> PyResult<bool> {
        let mut state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        let before = std::mem::replace(&mut state.output.phase, Phase::Finished);
        self.go_on(&mut state, before, more)?;
        state.output.push_file(stretch);
        self.tell(py, state)
    }

    /// A file is a whole body, and its length is known.
    fn send_path(self: &Arc<Self>, py: Python<'_>, stretch: Stretch) -> PyResult<bool> {
        let mut state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        match &mut state.output.phase {
            Phase::Head(parts, _) => {
                parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(stretch.len()));
                if self.setup.options.sendfile {
                    parts.extensions.insert(stretch.as_send_file());
                }
            }
            Phase::Silent => {
                return Err(PyRuntimeError::new_err("http.response.pathsend comes after http.response.start"));
            }
            _ => {
                return Err(PyRuntimeError::new_err(
                    "http.response.pathsend is a whole body, and there is one already",
                ));
            }
        }
        drop(state);
        self.send_part(py, stretch, false)
    }

    fn send_trailers(&self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        let mut trailers = HeaderMap::new();
        if let Some(headers) = message.get_item(intern!(py, "headers"))? {
            head::fill(&mut trailers, &headers)?;
        }
        let more = message::flag(message, intern!(py, "more_trailers"))?;
        let mut state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        if !matches!(state.output.phase, Phase::Trailers) {
            return Err(PyRuntimeError::new_err(
                "http.response.trailers comes after the body of a response that was started with trailers",
            ));
        }
        state.output.trail(trailers);
        if !more {
            state.output.phase = Phase::Finished;
        }
        self.tell(py, state)
    }

    fn send_hint(&self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let links = extensions::links(message)?;
        let state = self.lock();
        if state.gone {
            return Err(fault::gone());
        }
        if state.output.has_begun() || state.answer.is_some() {
            return Err(PyRuntimeError::new_err("http.response.early_hint comes after the response"));
        }
        let connection = state.asked.as_ref().and_then(Asked::takes_hints).cloned();
        drop(state);
        if let Some(connection) = connection {
            connection.hint(&links);
        }
        Ok(false)
    }

    /// The next part of the body comes; `before` is how far it was.
    fn go_on(self: &Arc<Self>, state: &mut State, before: Phase, more: bool) -> PyResult<()> {
        let trailers = match before {
            Phase::Head(parts, trailers) => {
                state.answer = Some(Ok(Response::from_parts(*parts, Reply::stream(self.clone()))));
                trailers
            }
            Phase::Body(trailers) => trailers,
            before => {
                let what = match &before {
                    Phase::Silent => "the body of a response was sent before http.response.start",
                    Phase::Failed => "the response has failed",
                    _ => "the response is complete",
                };
                state.output.phase = before;
                return Err(PyRuntimeError::new_err(what));
            }
        };
        state.output.phase = match (more, trailers) {
            (true, trailers) => Phase::Body(trailers),
            (false, true) => Phase::Trailers,
            (false, false) => Phase::Finished,
        };
        Ok(())
    }

    /// The worker has something to do, and whoever waits in `receive` for the end hears of it. True: there is enough.
    fn tell(&self, py: Python<'_>, mut state: MutexGuard<'_, State>) -> PyResult<bool> {
        // Who has said all need not wait.
        let is_full = state.output.is_full() && !state.output.is_finished();
        let worker = state.worker.take();
        let is_finished = state.output.is_finished();
        let waiters = if is_finished { state.input.waiters.take() } else { Waiters::default() };
        // Not while Python's other threads would have to wait for a disk.
        let at_once = is_finished && state.alone && !state.output.has_file();
        drop(state);
        match worker {
            // All is said: it goes out before the application does whatever it does afterwards.
            Some(worker) if at_once => {
                worker.wake();
                self.setup.hub.poll_now(self.setup.running.has_one());
            }
            worker => self.wake(worker),
        }
        waiters.resolve(py);
        Ok(is_full)
    }
}
