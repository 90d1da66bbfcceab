//! A request between the two loops: what each of them has to know of it.

use super::fault::Fault;
use super::host::{Alarm, Setup};
use super::output::Output;
use super::running::Running;
use super::service::Reply;
use super::waiters::Waiters;
use super::{channel, extensions, input::Input, run::Run, scope};
use crate::bridge::Job;
use crate::{leave, report};
use http::Response;
use pyo3::prelude::*;
use rustcorn::{Body, Connection};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// A request and its response.
pub(super) struct Exchange {
    pub(super) setup: Arc<Setup>,
    state: Mutex<State>,
}

pub(super) struct State {
    /// None: the application has it.
    parts: Option<Box<http::request::Parts>>,
    pub(super) input: Input,
    pub(super) output: Output,
    /// The worker's task is that of the connection, and of this request alone: HTTP/1.
    pub(super) alone: bool,
    /// What the worker is told; none: not yet, or it was.
    pub(super) answer: Option<Result<Response<Reply>, Fault>>,
    /// The client is gone, or the worker has given the request up.
    pub(super) gone: bool,
    /// Of the worker's task that waits for something to send.
    pub(super) worker: Option<Waker>,
    /// Where hints go; none: they cannot be sent.
    pub(super) connection: Option<Connection>,
    /// The worker does not leave while this is here.
    running: Option<Running>,
    /// The application's task, as long as it runs.
    task: Option<Py<PyAny>>,
    /// It is given so long, after its client has left.
    alarm: Option<Alarm>,
    /// The application has returned.
    returned: bool,
    /// It waits in the hub.
    queued: bool,
}

impl State {
    /// The client hears no more of the application, or needs to.
    pub(super) fn has_ended(&self) -> bool {
        self.gone || self.returned || self.output.is_finished()
    }
}

impl Exchange {
    pub(super) fn new(setup: Arc<Setup>, parts: http::request::Parts, body: Body) -> Arc<Self> {
        let state = State {
            input: Input::new(body),
            output: Output::new(parts.method == http::Method::HEAD, extensions::takes_trailers(&parts)),
            connection: None,
            alone: parts.version < http::Version::HTTP_2,
            parts: Some(Box::new(parts)),
            answer: None,
            gone: false,
            running: None,
            worker: None,
            task: None,
            alarm: None,
            returned: false,
            queued: true,
        };
        let exchange = Arc::new(Self { setup, state: Mutex::new(state) });
        exchange.setup.hub.push(exchange.clone());
        exchange
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to do for Python.
    pub(super) fn call_python(self: &Arc<Self>, state: &mut State) {
        if !std::mem::replace(&mut state.queued, true) {
            self.setup.hub.push(self.clone());
        }
    }

    /// The worker will hear no more, or does not want to.
    pub(super) fn leave(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.output.is_finished() {
            // The application has said all; whoever sends it may do so without us.
            state.output.drop_rest();
            if !state.output.waiters.is_empty() {
                self.call_python(&mut state);
            }
        } else if !std::mem::replace(&mut state.gone, true) {
            let reader = state.input.close();
            state.output.drop_rest();
            state.worker = None;
            if state.task.is_some() || !state.input.waiters.is_empty() || !state.output.waiters.is_empty() {
                self.call_python(&mut state);
            }
            drop(state);
            self.wake(reader);
        }
    }

    pub(super) fn wake(&self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.setup.hub.wake(waker);
        }
    }

    /// Gives the request to the application, as a task of its own.
    fn begin(self: &Arc<Self>, py: Python<'_>, parts: http::request::Parts) -> PyResult<()> {
        let setup = &self.setup;
        self.lock().running = Some(setup.running.enter());
        let scope = scope::http(py, setup, &parts)?;
        if parts.version == http::Version::HTTP_11 {
            self.lock().connection = parts.extensions.get::<Connection>().cloned();
        }
        drop(parts);
        let (receive, send) = channel::open(py, self.clone())?;
        let run = Run::new(self.clone(), (scope.unbind(), receive.unbind(), send.unbind()));
        let task = setup.tasks.spawn(py, Bound::new(py, run)?.as_any())?;
        let mut state = self.lock();
        // It may be over by now.
        if !state.returned {
            state.task = Some(task.unbind());
        }
        Ok(())
    }

    /// The application has returned, or raised something.
    pub(super) fn done(self: &Arc<Self>, py: Python<'_>, error: Option<PyErr>) {
        if let Some(error) = &error {
            leave::begin_if_signalled(py, error);
        }
        let mut state = self.lock();
        state.running = None;
        let task = state.task.take();
        let alarm = state.alarm.take();
        state.returned = true;
        let was_finished = state.output.is_finished();
        let gone = state.gone;
        let is_quiet = |error: &PyErr| gone && self.setup.is_disconnect(py, error);
        let fault = match &error {
            None if was_finished || gone => None,
            None => Some(Fault::new(state.output.missing())),
            Some(error) => {
                // Python may do anything, and ask us again.
                drop(state);
                let fault = if is_quiet(error) { None } else { Some(Fault::raised(py, error)) };
                state = self.lock();
                fault
            }
        };
        let unheard = match fault {
            Some(fault) if was_finished || gone => Some(fault),
            Some(fault) => {
                self.fail(&mut state, fault);
                None
            }
            None => None,
        };
        let reader = state.input.close();
        let refused = state.input.refused;
        // Other tasks of the application's may wait still.
        let waiters = [state.input.waiters.take(), state.output.waiters.take()];
        drop(state);
        self.wake(reader);
        drop(task);
        waiters.into_iter().for_each(|waiters| waiters.resolve(py));
        if let Some(alarm) = alarm {
            alarm.take_off(py);
        }
        if let Some(fault) = unheard {
            match refused {
                // What it was told ends every other request that a client breaks off, too.
                Some(why) if gone => {
                    report::info(&format!("The application failed after its request was refused ({why}): {fault}"))
                }
                _ => {
                    let when = if gone { "its client had left" } else { "its response was complete" };
                    report::error(&format!("The application failed after {when}: {fault}"));
                }
            }
        }
    }

    fn fail(&self, state: &mut State, fault: Fault) {
        if state.output.has_begun() {
            state.output.fail(fault);
        } else {
            state.output.drop_rest();
            state.answer = Some(Err(fault));
        }
        self.wake(state.worker.take());
    }
}

impl Job for Exchange {
    fn run(self: Arc<Self>, py: Python<'_>) {
        let mut state = self.lock();
        state.queued = false;
        if let Some(parts) = state.parts.take() {
            if state.gone {
                return;
            }
            drop(state);
            if let Err(error) = self.begin(py, *parts) {
                self.done(py, Some(error));
            }
            return;
        }
        let gone = state.gone;
        let ended = state.has_ended();
        let receivers = if state.input.is_ready(ended) { state.input.waiters.take() } else { Waiters::default() };
        let is_free = gone || state.output.has_failed() || state.output.has_room();
        let senders = if is_free { state.output.waiters.take() } else { Waiters::default() };
        let late =
            if gone && state.alarm.is_none() { state.task.as_ref().map(|task| task.clone_ref(py)) } else { None };
        drop(state);
        receivers.resolve(py);
        senders.resolve(py);
        if let Some(alarm) = late.and_then(|task| self.setup.cancel_later(py, task)) {
            self.lock().alarm = Some(alarm);
        }
    }
}
