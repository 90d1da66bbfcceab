//! The body of a request on its way from the connection's task to the application, which may read it in another task,
//! late, or never. The connection reads from its client only what the application asks for.

use crate::worker::body::BodyError;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The connection's end.
#[derive(Debug)]
pub(super) struct Sender(Arc<Shared>);

/// The application's end.
#[derive(Debug)]
pub(in crate::worker) struct Incoming(Arc<Shared>);

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    data: Option<Bytes>,
    end: Option<Result<Option<HeaderMap>, BodyError>>,
    /// Bytes that are still to come beyond `data`, if that is known.
    left: Option<u64>,
    /// The application waits for more.
    wanted: bool,
    /// The application has let go of it.
    dropped: bool,
    reader: Option<Waker>,
    /// Of the connection's task.
    connection: Option<Waker>,
}

/// A body of `left` bytes, or of a length that its chunks will tell.
pub(super) fn channel(left: Option<u64>) -> (Sender, Incoming) {
    let state = State { data: None, end: None, left, wanted: false, dropped: false, reader: None, connection: None };
    let shared = Arc::new(Shared(Mutex::new(state)));
    (Sender(shared.clone()), Incoming(shared))
}

impl State {
    /// Unless it is the connection's task that asks: it looks after the body itself, after the application.
    fn wake_connection(&self, asker: Option<&Context<'_>>) {
        if let Some(connection) = &self.connection
            && !asker.is_some_and(|cx| cx.waker().will_wake(connection))
        {
            connection.wake_by_ref();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Whether the application waits for more, now. `cx` is woken when that changes by somebody else's doing.
    pub(super) fn is_wanted(&self, cx: &Context<'_>) -> bool {
        let mut state = self.0.state();
        let wanted = state.wanted && !state.dropped;
        if !state.connection.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.connection = Some(cx.waker().clone());
        }
        wanted
    }

    /// Hands bytes over. The caller, whose context this is, asks the application again in any case, so it is not woken.
    pub(super) fn send(&self, data: Bytes, cx: &Context<'_>) {
        let mut state = self.0.state();
        if let Some(left) = &mut state.left {
            *left = left.saturating_sub(data.len() as u64);
        }
        state.data = Some(data);
        wake(state, Some(cx));
    }

    /// Nothing more will come: the body is complete, with or without trailers.
    pub(super) fn complete(&self, trailers: Option<HeaderMap>, cx: &Context<'_>) {
        let mut state = self.0.state();
        state.end.get_or_insert(Ok(trailers));
        wake(state, Some(cx));
    }

    /// Nothing more will come, and that is too early.
    pub(super) fn fail(&self, error: BodyError) {
        let mut state = self.0.state();
        state.end.get_or_insert(Err(error));
        wake(state, None);
    }
}

fn wake(mut state: MutexGuard<'_, State>, caller: Option<&Context<'_>>) {
    state.wanted = false;
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader
        && !caller.is_some_and(|cx| cx.waker().will_wake(&reader))
    {
        reader.wake();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // A waker would keep the memory of the connection's task for as long as the application keeps the body.
        self.0.state().connection = None;
        self.fail(BodyError::Disconnected);
    }
}

impl Incoming {
    pub(in crate::worker) fn refusal(&self) -> Option<&'static str> {
        match &self.0.state().end {
            Some(Err(BodyError::Refused(reason))) => Some(reason),
            _ => None,
        }
    }

    pub(in crate::worker) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.0.state();
        if let Some(data) = state.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut state.end {
            Some(Ok(trailers)) => Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
            // Again and again: whoever asks twice must not take it for a complete body.
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone()))),
            None => {
                let is_news = !std::mem::replace(&mut state.wanted, true);
                if !state.reader.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    state.reader = Some(cx.waker().clone());
                }
                if is_news {
                    state.wake_connection(Some(cx));
                }
                Poll::Pending
            }
        }
    }

    pub(in crate::worker) fn is_end_stream(&self) -> bool {
        let state = self.0.state();
        state.data.is_none() && matches!(state.end, Some(Ok(None)))
    }

    pub(in crate::worker) fn size_hint(&self) -> SizeHint {
        let state = self.0.state();
        let here = state.data.as_ref().map_or(0, Bytes::len) as u64;
        match state.left {
            Some(left) => SizeHint::with_exact(left + here),
            None => {
                let mut hint = SizeHint::new();
                hint.set_lower(here);
                hint
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.dropped = true;
        if state.wanted {
            // From now on it is the application that is waited for.
            state.wake_connection(None);
        }
    }
}
