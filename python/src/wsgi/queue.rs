//! Requests on their way from the event loop to Python.

use super::receive::Received;
use super::reply::Reply;
use http::request::Parts;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// One request, and where its answer goes.
pub(super) struct Job {
    pub(super) head: Parts,
    pub(super) body: Received,
    pub(super) reply: Reply,
}

/// Requests that wait for Python, in the order of their arrival.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The event loop's own thread takes them.
    taker: Option<Waker>,
    /// So many threads wait for one.
    idle: usize,
    /// So many threads take them.
    takers: usize,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: Job) {
        let mut state = self.state();
        state.jobs.push_back(job);
        let (taker, is_awaited) = (state.taker.take(), state.idle > 0);
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
        if is_awaited {
            self.0.news.notify_one();
        }
    }

    /// Moves all that wait behind `jobs`, or waits for one.
    pub(super) fn poll_take(&self, jobs: &mut VecDeque<Job>, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.jobs.is_empty() {
            if !state.taker.as_ref().is_some_and(|taker| taker.will_wake(cx.waker())) {
                state.taker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        }
        jobs.append(&mut state.jobs);
        Poll::Ready(())
    }

    /// Blocks until there is one; none: there will be no more.
    pub(super) fn take(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.0.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// A thread takes jobs from now on.
    pub(super) fn join(&self) {
        self.state().takers += 1;
    }

    /// It takes none any more.
    pub(super) fn leave(&self) {
        self.state().takers -= 1;
        self.0.news.notify_all();
    }

    /// Blocks until no thread takes jobs, for so long at most; whether there is none.
    pub(super) fn is_left_within(&self, patience: Duration) -> bool {
        let state = self.state();
        let waited = self.0.news.wait_timeout_while(state, patience, |state| state.takers > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.takers == 0
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.0.news.notify_all();
    }
}
