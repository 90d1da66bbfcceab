//! A request between the two loops: what each of them has to know of it.

use super::fault::Fault;
use super::host::{Alarm, Setup};
use super::output::Output;
use super::running::Running;
use super::service::Reply;
use super::waiters::Waiters;
use super::{channel, extensions, input::Input, run::Run, scope};
use crate::asked::Asked;
use crate::bridge::Job;
use crate::{leave, report};
use http::Response;
use pyo3::prelude::*;
use rustcorn::Body;
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
    /// While the application has the request.
    pub(super) asked: Option<Asked>,
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

/// How far a request has come when its application is done with it.
struct How {
    gone: bool,
    was_finished: bool,
    has_begun: bool,
    refused: Option<&'static str>,
    missing: &'static str,
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
            asked: None,
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
        let mut state = self.lock();
        state.running = Some(setup.running.enter());
        state.asked = Some(Asked::of(&parts));
        drop(state);
        let scope = scope::http(py, setup, &parts)?;
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
        let mut state = self.lock();
        state.running = None;
        let task = state.task.take();
        let alarm = state.alarm.take();
        state.returned = true;
        let how = How {
            gone: state.gone,
            was_finished: state.output.is_finished(),
            has_begun: state.output.has_begun(),
            refused: state.input.refused,
            missing: state.output.missing(),
        };
        let asked = state.asked.take();
        // Python may do anything, and ask us again.
        drop(state);
        self.say_how(py, asked.as_ref(), error.as_ref(), &how);
        let mut state = self.lock();
        if !how.was_finished && !how.gone {
            self.fail(&mut state, Fault::Told);
        }
        let reader = state.input.close();
        // Other tasks of the application's may wait still.
        let waiters = [state.input.waiters.take(), state.output.waiters.take()];
        drop(state);
        self.wake(reader);
        drop(task);
        waiters.into_iter().for_each(|waiters| waiters.resolve(py));
        if let Some(alarm) = alarm {
            alarm.take_off(py);
        }
    }

    /// Says how it has failed, if it has.
    fn say_how(&self, py: Python<'_>, asked: Option<&Asked>, error: Option<&PyErr>, how: &How) {
        let Some(error) = error else {
            if !how.was_finished && !how.gone {
                let what = format!("The application failed to answer %s: {}", how.missing);
                report::failure(py, &what, asked, None);
            }
            return;
        };
        if leave::begin_if_signalled(py, error) || how.gone && self.setup.is_disconnect(py, error) {
            return;
        }
        let what = match how.refused {
            // What it was told ends every other request that a client breaks off, too.
            Some(why) if how.gone => {
                let error = report::describe(py, error);
                return report::info(&format!("The application failed after its request was refused ({why}): {error}"));
            }
            _ if how.gone => "The application failed in %s after its client had left",
            _ if how.was_finished => "The application failed in %s after its response was complete",
            _ if how.has_begun => "The response to %s failed midway",
            _ => "The application failed to answer %s",
        };
        report::failure(py, what, asked, Some(error));
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
