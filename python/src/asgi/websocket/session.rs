//! One WebSocket between the two loops.

use super::handshake::{self, Asked};
use super::{channel, deflate::Agreed, pump};
use crate::asgi::fault::Fault;
use crate::asgi::host::{Alarm, Setup};
use crate::asgi::running::Running;
use crate::asgi::scope;
use crate::asgi::service::{Reply, remember};
use crate::asgi::waiters::Waiters;
use crate::asked::Asked as Request;
use crate::bridge::Job;
use crate::{leave, report};
use bytes::Bytes;
use http::request::Parts;
use http::response::Parts as ResponseParts;
use http::{Response, StatusCode};
use pyo3::intern;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tungstenite::protocol::frame::coding::Data;

/// With so many bytes waiting, the application waits too.
const MANY: usize = 64 << 10;
/// From here on it need not any more.
const FEW: usize = 16 << 10;

/// With so many bytes for the application, no more are read from the client.
const CROWD: usize = 1 << 20;

/// What the application is told.
pub(super) enum Inbound {
    Text(String),
    Binary(Bytes),
}

impl Inbound {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// What the application says.
pub(super) enum Outbound {
    Message(Data, Bytes),
    Close(u16, String),
}

/// How far it is.
pub(super) enum Phase {
    /// The application has to decide.
    Connecting(Box<Asked>),
    /// It answers with a response instead.
    Denying(Box<ResponseParts>, Vec<u8>),
    Open,
    /// The application has said its last word.
    Closed,
}

pub(in crate::asgi) struct Session {
    pub(super) setup: Arc<Setup>,
    state: Mutex<State>,
}

pub(super) struct State {
    parts: Option<Box<Parts>>,
    pub(super) phase: Phase,
    /// What the worker is told; none: not yet, or it was.
    pub(super) answer: Option<Result<Response<Reply>, Fault>>,
    /// What the connection's task begins with, once the answer is given.
    pub(super) opening: Option<(Box<Asked>, Option<Agreed>)>,
    /// The application was told of the connection.
    pub(super) told: bool,
    pub(super) inbox: VecDeque<Inbound>,
    pub(super) in_bytes: usize,
    pub(super) outbox: VecDeque<Outbound>,
    pub(super) out_bytes: usize,
    /// Code and reason; after the inbox.
    pub(super) over: Option<(u16, String)>,
    /// Of whoever waits for the application: the worker for an answer, then the connection's task.
    pub(super) worker: Option<Waker>,
    pub(super) receivers: Waiters,
    pub(super) senders: Waiters,
    /// While the application has the request.
    request: Option<Request>,
    task: Option<Py<PyAny>>,
    /// It is given so long, after its client has left.
    alarm: Option<Alarm>,
    /// The worker does not leave while this is here.
    running: Option<Running>,
    /// Its task will be cancelled if it goes on for too long.
    late: bool,
    queued: bool,
}

impl State {
    /// Those who wait for what will not come, once it is over.
    pub(super) fn unneeded(&mut self) -> [Waiters; 2] {
        if self.over.is_some() { [self.receivers.take(), self.senders.take()] } else { Default::default() }
    }
}

impl Session {
    pub(in crate::asgi) fn new(setup: Arc<Setup>, mut parts: Parts) -> Option<Arc<Self>> {
        let asked = Asked::of(&mut parts)?;
        let state = State {
            parts: Some(Box::new(parts)),
            phase: Phase::Connecting(Box::new(asked)),
            answer: None,
            opening: None,
            told: false,
            inbox: VecDeque::new(),
            in_bytes: 0,
            outbox: VecDeque::new(),
            out_bytes: 0,
            over: None,
            running: None,
            request: None,
            worker: None,
            receivers: Waiters::default(),
            senders: Waiters::default(),
            task: None,
            alarm: None,
            late: false,
            queued: true,
        };
        let session = Arc::new(Self { setup, state: Mutex::new(state) });
        session.setup.hub.push(session.clone());
        Some(session)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There may be something to do for Python.
    pub(super) fn call_python(self: &Arc<Self>, state: &mut State) {
        if !std::mem::replace(&mut state.queued, true) {
            self.setup.hub.push(self.clone());
        }
    }

    pub(super) fn wake(&self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.setup.hub.wake(waker);
        }
    }

    /// The connection is no more. Only the first word about it counts.
    pub(in crate::asgi) fn ends(self: &Arc<Self>, code: u16, reason: &str) {
        let mut state = self.lock();
        if state.over.is_none() {
            state.over = Some((code, reason.to_owned()));
        }
        state.outbox.clear();
        state.out_bytes = 0;
        self.call_python(&mut state);
    }

    /// The application's answer to the handshake. If it accepts, the connection has a task from then on.
    pub(in crate::asgi) fn poll_answer(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<Response<Reply>, Fault>> {
        let mut state = self.lock();
        let Some(answer) = state.answer.take() else {
            remember(&mut state.worker, cx);
            return Poll::Pending;
        };
        if let Some((asked, agreed)) = state.opening.take() {
            let is_stream = asked.is_stream();
            drop(tokio::spawn(pump::run(self.clone(), asked.upgrade, agreed, is_stream)));
        }
        Poll::Ready(answer)
    }

    fn begin(self: &Arc<Self>, py: Python<'_>, parts: &Parts) -> PyResult<()> {
        let setup = &self.setup;
        let mut state = self.lock();
        state.running = Some(setup.running.enter());
        state.request = Some(Request::of(parts));
        drop(state);
        let scope = scope::websocket(py, setup, parts, &handshake::subprotocols(&parts.headers))?;
        let (receive, send, done) = channel::open(py, self.clone())?;
        let coroutine = setup.serve.bind(py).call1((setup.app.bind(py), scope, receive, send, done))?;
        let task = setup.tasks.spawn(py, &coroutine)?;
        if !task.call_method0(intern!(py, "done"))?.is_truthy()? {
            self.lock().task = Some(task.unbind());
        }
        Ok(())
    }

    /// The application has returned, or raised something.
    pub(super) fn done(self: &Arc<Self>, py: Python<'_>, error: Option<PyErr>) {
        let mut state = self.lock();
        let was_over = state.over.is_some();
        let is_unanswered = matches!(state.phase, Phase::Connecting(_) | Phase::Denying(..));
        let request = state.request.take();
        // Python may do anything, and ask us again.
        drop(state);
        // Whoever sends to a client that is gone hears it by an error, which need not be caught.
        let fault = error.filter(|error| !was_over || !self.setup.is_disconnect(py, error));
        if let Some(error) = &fault
            && !leave::begin_if_signalled(py, error)
        {
            let what = match is_unanswered && !was_over {
                true => "The application failed to answer %s",
                false => "The application failed with a WebSocket (%s)",
            };
            report::failure(py, what, request.as_ref(), Some(error));
        }
        let mut state = self.lock();
        state.running = None;
        let task = state.task.take();
        let alarm = state.alarm.take();
        let is_over = state.over.is_some();
        match std::mem::replace(&mut state.phase, Phase::Closed) {
            Phase::Connecting(_) | Phase::Denying(..) if !is_over => {
                state.answer = Some(if fault.is_some() { Err(Fault::Told) } else { Ok(refusal()) });
                // There will be no connection that could say it.
                state.over = Some((1006, String::new()));
            }
            Phase::Open if !is_over => {
                let (code, reason) = if fault.is_some() { (1011, "Internal Error") } else { (1000, "") };
                state.outbox.push_back(Outbound::Close(code, reason.to_owned()));
            }
            _ => {}
        }
        let worker = state.worker.take();
        let waiters = state.unneeded();
        drop(state);
        self.wake(worker);
        drop(task);
        waiters.into_iter().for_each(|waiters| waiters.resolve(py));
        if let Some(alarm) = alarm {
            alarm.take_off(py);
        }
    }

    /// The application has more than enough to read.
    pub(super) fn is_crowded(&self, state: &State) -> bool {
        state.inbox.len() >= self.setup.options.ws_max_queue.max(1) || state.in_bytes >= CROWD
    }

    pub(super) fn has_room(state: &State) -> bool {
        state.out_bytes <= FEW
    }

    pub(super) fn is_full(state: &State) -> bool {
        state.out_bytes >= MANY
    }
}

/// Of an application that does not want it.
pub(super) fn refusal() -> Response<Reply> {
    let mut response = Response::new(Reply::whole(Bytes::new()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

impl Job for Session {
    fn run(self: Arc<Self>, py: Python<'_>) {
        let mut state = self.lock();
        state.queued = false;
        if let Some(parts) = state.parts.take() {
            if state.over.is_some() {
                return;
            }
            drop(state);
            if let Err(error) = self.begin(py, &parts) {
                self.done(py, Some(error));
            }
            return;
        }
        let over = state.over.is_some();
        let has_news = over || !state.inbox.is_empty();
        let receivers = if has_news { state.receivers.take() } else { Waiters::default() };
        let is_free = over || Self::has_room(&state);
        let senders = if is_free { state.senders.take() } else { Waiters::default() };
        let late = state.task.as_ref().filter(|_| over && !state.late).map(|task| task.clone_ref(py));
        state.late |= over;
        drop(state);
        receivers.resolve(py);
        senders.resolve(py);
        if let Some(alarm) = late.and_then(|task| self.setup.cancel_later(py, task)) {
            self.lock().alarm = Some(alarm);
        }
    }
}
