//! The way of one answer from Python to the engine.

use super::body::Answer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Python's end. If it is dropped, there will be no answer.
pub(super) struct Reply(Option<Arc<Slot>>);

/// The engine's end. If it is dropped, nobody is there to take one.
pub(super) struct Awaited(Arc<Slot>);

#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    answer: Option<Answer>,
    engine: Option<Waker>,
    /// Either end is gone, or has done its part.
    is_over: bool,
}

pub(super) fn channel() -> (Reply, Awaited) {
    let slot = Arc::<Slot>::default();
    (Reply(Some(slot.clone())), Awaited(slot))
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more will come than what is here. Returns who is to be woken.
    fn end(&self, answer: Option<Answer>) -> Option<Waker> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_over, true) {
            return None;
        }
        state.answer = answer;
        state.engine.take()
    }
}

impl Reply {
    /// Whether nobody waits for it any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.as_ref().is_none_or(|slot| slot.lock().is_over)
    }

    /// Answers. Returns who is to be woken.
    #[must_use]
    pub(super) fn give(mut self, answer: Answer) -> Option<Waker> {
        self.0.take()?.end(Some(answer))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take().and_then(|slot| slot.end(None)) {
            waker.wake();
        }
    }
}

impl Awaited {
    /// Waits for the answer.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Answer> {
        let mut state = self.0.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        if state.is_over {
            return Poll::Ready(Err("the worker dropped the request".into()));
        }
        if !state.engine.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.engine = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_over = true;
        let rest = (state.engine.take(), state.answer.take());
        drop(state);
        drop(rest);
    }
}
