//! What the application calls with a WebSocket.

use super::frames::may_be_sent;
use super::session::{Inbound, Outbound, Phase, Session, State, refusal};
use crate::asgi::fault;
use crate::asgi::host::Setup;
use crate::asgi::service::Reply;
use crate::asgi::waiting::{Peer, Waiting, What, sent};
use crate::asgi::{head, message};
use bytes::Bytes;
use http::Response;
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use std::sync::Arc;
use tungstenite::protocol::frame::coding::Data;

/// The application's end.
#[pyclass(frozen)]
struct Channel(Arc<Session>);

type Ends<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// `receive`, `send`, and what is called when the application has returned.
pub(super) fn open(py: Python<'_>, session: Arc<Session>) -> PyResult<Ends<'_>> {
    let channel = Bound::new(py, Channel(session))?;
    let end = |name| channel.getattr(name);
    Ok((end(intern!(py, "receive"))?, end(intern!(py, "send"))?, end(intern!(py, "done"))?))
}

#[pymethods]
impl Channel {
    fn receive(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Waiting::new(self.0.clone(), What::Receive))?.into_any())
    }

    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let is_full = message.cast::<PyDict>().map_err(PyErr::from).and_then(|message| self.0.send(message));
        sent(message.py(), &self.0, is_full)
    }

    fn done(&self, py: Python<'_>, error: Option<Bound<'_, PyAny>>) {
        self.0.done(py, error.map(PyErr::from_value));
    }
}

impl Peer for Session {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn receive(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        // Python's objects are made without the lock: making one may run any code, which may ask us again.
        let Some(news) = self.next() else { return Ok(None) };
        let message = PyDict::new(py);
        let kind = intern!(py, "type");
        match news {
            News::Connect => message.set_item(kind, intern!(py, "websocket.connect"))?,
            News::Message(inbound) => {
                message.set_item(kind, intern!(py, "websocket.receive"))?;
                let (text, bytes) = match inbound {
                    Inbound::Text(text) => (Some(text), None),
                    Inbound::Binary(bytes) => (None, Some(PyBytes::new(py, &bytes))),
                };
                message.set_item(intern!(py, "text"), text)?;
                message.set_item(intern!(py, "bytes"), bytes)?;
            }
            News::Disconnect(code, reason) => {
                message.set_item(kind, intern!(py, "websocket.disconnect"))?;
                message.set_item(intern!(py, "code"), code)?;
                message.set_item(intern!(py, "reason"), reason)?;
            }
        }
        Ok(Some(message.into_any().unbind()))
    }

    fn await_message(&self, py: Python<'_>, waiter: Py<PyAny>) {
        let mut state = self.lock();
        let done = state.receivers.add(py, waiter);
        drop(state);
        drop(done);
    }

    fn has_room(&self) -> PyResult<bool> {
        let state = self.lock();
        if state.over.is_some() { Err(fault::gone()) } else { Ok(Self::has_room(&state)) }
    }

    fn await_room(&self, py: Python<'_>, waiter: Py<PyAny>) {
        let mut state = self.lock();
        let done = state.senders.add(py, waiter);
        drop(state);
        drop(done);
    }
}

/// What the application is told next.
enum News {
    Connect,
    Message(Inbound),
    /// Code and reason.
    Disconnect(u16, String),
}

impl Session {
    fn next(&self) -> Option<News> {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.told, true) {
            return Some(News::Connect);
        }
        let was_crowded = self.is_crowded(&state);
        let Some(inbound) = state.inbox.pop_front() else {
            return state.over.clone().map(|(code, reason)| News::Disconnect(code, reason));
        };
        state.in_bytes -= inbound.len();
        // There may be room for another.
        let worker = if was_crowded { state.worker.take() } else { None };
        drop(state);
        self.wake(worker);
        Some(News::Message(inbound))
    }

    /// Takes a message of the application's. True: it has to wait before it sends more.
    fn send(self: &Arc<Self>, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let kind = message::kind(given)?;
        match &*kind.to_cow()? {
            "websocket.send" => self.say(given),
            "websocket.accept" => self.accept(given),
            "websocket.close" => self.close(given),
            "websocket.http.response.start" => self.deny(given),
            "websocket.http.response.body" => self.deny_with(given),
            kind => Err(PyRuntimeError::new_err(format!("{kind} is no message of a WebSocket that this server knows"))),
        }
        .inspect(|_| {
            let mut state = self.lock();
            let worker = state.worker.take();
            let waiters = state.unneeded();
            drop(state);
            self.wake(worker);
            waiters.into_iter().for_each(|waiters| waiters.resolve(given.py()));
        })
    }

    fn say(&self, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = given.py();
        let field = |name| message::field(given, name);
        let (kind, payload) = match (field(intern!(py, "text"))?, field(intern!(py, "bytes"))?) {
            (Some(text), None) => {
                let text = text.cast::<PyString>()?;
                (Data::Text, Bytes::copy_from_slice(text.to_str()?.as_bytes()))
            }
            (None, Some(bytes)) => (Data::Binary, message::bytes(&bytes, "bytes of a WebSocket")?),
            _ => return Err(PyTypeError::new_err("websocket.send has either text or bytes")),
        };
        let mut state = self.lock();
        self.must_be_open(&state, "websocket.send")?;
        state.out_bytes += payload.len();
        state.outbox.push_back(Outbound::Message(kind, payload));
        Ok(Self::is_full(&state))
    }

    fn must_be_open(&self, state: &State, what: &str) -> PyResult<()> {
        match &state.phase {
            _ if state.over.is_some() => Err(fault::gone()),
            Phase::Open => Ok(()),
            Phase::Closed => Err(fault::gone()),
            _ => Err(PyRuntimeError::new_err(format!("{what} was sent before websocket.accept"))),
        }
    }

    fn accept(&self, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = given.py();
        let mut headers = HeaderMap::new();
        if let Some(list) = message::field(given, intern!(py, "headers"))? {
            head::fill(&mut headers, &list)?;
        }
        if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Err(PyValueError::new_err("the subprotocol is a field of its own, and no header"));
        }
        let subprotocol = message::field(given, intern!(py, "subprotocol"))?;
        let subprotocol = subprotocol.map(|name| {
            HeaderValue::from_str(&name.extract::<String>()?)
                .map_err(|_| PyValueError::new_err(format!("{name} cannot be a subprotocol")))
        });
        let subprotocol = subprotocol.transpose()?;
        let mut state = self.lock();
        if state.over.is_some() {
            return Err(fault::gone());
        }
        match std::mem::replace(&mut state.phase, Phase::Open) {
            Phase::Connecting(asked) => {
                let may_deflate = self.setup.options.ws_per_message_deflate;
                let (response, agreed) = asked.accept(subprotocol, headers, may_deflate);
                state.answer = Some(Ok(response.map(|()| Reply::whole(Bytes::new()))));
                state.opening = Some((asked, agreed));
                Ok(false)
            }
            before => {
                state.phase = before;
                Err(PyRuntimeError::new_err("websocket.accept was sent before"))
            }
        }
    }

    fn close(&self, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = given.py();
        let code = message::field(given, intern!(py, "code"))?;
        let code = code.map_or(Ok(1000), |code| code.extract::<u16>())?;
        let reason = message::field(given, intern!(py, "reason"))?;
        let reason = reason.map_or(Ok(String::new()), |reason| reason.extract::<String>())?;
        let mut state = self.lock();
        if state.over.is_some() {
            return Err(fault::gone());
        }
        match std::mem::replace(&mut state.phase, Phase::Closed) {
            Phase::Connecting(_) => {
                state.answer = Some(Ok(refusal()));
                state.over = Some((1006, String::new()));
            }
            Phase::Open => {
                if !may_be_sent(code) {
                    state.phase = Phase::Open;
                    return Err(PyValueError::new_err(format!(
                        "{code} is no code that a WebSocket can be closed with"
                    )));
                }
                state.outbox.push_back(Outbound::Close(code, reason));
            }
            before => {
                state.phase = before;
                return Err(fault::gone());
            }
        }
        Ok(false)
    }

    fn deny(&self, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let (parts, _) = head::read(given)?;
        let mut state = self.lock();
        if state.over.is_some() {
            return Err(fault::gone());
        }
        if !matches!(state.phase, Phase::Connecting(_)) {
            return Err(PyRuntimeError::new_err("websocket.http.response.start comes too late"));
        }
        state.phase = Phase::Denying(Box::new(parts), Vec::new());
        Ok(false)
    }

    fn deny_with(&self, given: &Bound<'_, PyDict>) -> PyResult<bool> {
        let body = message::body(given)?;
        let more = message::flag(given, intern!(given.py(), "more_body"))?;
        let mut state = self.lock();
        if state.over.is_some() {
            return Err(fault::gone());
        }
        match std::mem::replace(&mut state.phase, Phase::Closed) {
            Phase::Denying(parts, mut bytes) => {
                bytes.extend_from_slice(&body);
                if more {
                    state.phase = Phase::Denying(parts, bytes);
                } else {
                    state.answer = Some(Ok(Response::from_parts(*parts, Reply::whole(bytes.into()))));
                    state.over = Some((1006, String::new()));
                }
                Ok(false)
            }
            before => {
                state.phase = before;
                Err(PyRuntimeError::new_err("websocket.http.response.body has to follow its start"))
            }
        }
    }
}
