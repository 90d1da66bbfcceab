//! The lines on their way from the event loop to the writer thread: a bounded buffer, taken over whole.
//!
//! A line costs its own bytes and a lock that nobody else wants: the writer takes it twice a batch. The writer is woken
//! when the first line of a batch comes, lingers for more, and takes them all; without lines nobody wakes.

use super::stamp::Stamp;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So much is written at once.
const BATCH: usize = 64 << 10;
/// So much may wait; with as much on the way to the disk this is all that a stuck log costs. A busy worker makes 30 MB a
/// second, and a writer that gets no turn for a tenth of that is a loaded machine, not a stuck log.
const MOST: usize = 4 << 20;
/// How long the first line of a batch waits for more.
const LINGER: Duration = Duration::from_millis(100);

/// Shared by the event loop's threads and the writer.
pub(super) struct Buffer {
    state: Mutex<State>,
    /// For the writer: there is something to do.
    work: Condvar,
    /// For who closes: the writer is done.
    done: Condvar,
}

struct State {
    lines: Vec<u8>,
    stamp: Stamp,
    reopen: bool,
    closing: bool,
    finished: bool,
}

/// What the writer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// After the lines: open the file anew.
    pub reopen: bool,
    /// If there were no lines: leave.
    pub closing: bool,
}

impl Buffer {
    pub(super) fn new(stamp: Stamp) -> Self {
        let lines = Vec::with_capacity(BATCH + BATCH / 4);
        let state = State { lines, stamp, reopen: false, closing: false, finished: false };
        Self { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what `render` appends: one whole line. False: there is no room, or nobody to write it any more.
    pub(super) fn push(&self, render: impl FnOnce(&mut Vec<u8>, &mut Stamp)) -> bool {
        let mut state = self.lock();
        let before = state.lines.len();
        if before >= MOST || state.finished {
            return false;
        }
        let State { lines, stamp, .. } = &mut *state;
        render(lines, stamp);
        let after = lines.len();
        drop(state);
        if before == 0 || (before < BATCH && after >= BATCH) {
            self.work.notify_one();
        }
        true
    }

    /// Waits for something to do and takes the lines into `batch`, which is empty.
    pub(super) fn take(&self, batch: &mut Vec<u8>) -> Turn {
        let urgent = |state: &State| state.reopen || state.closing;
        let mut state = self.lock();
        while state.lines.is_empty() && !urgent(&state) {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let waited = self.work.wait_timeout_while(state, LINGER, |state| state.lines.len() < BATCH && !urgent(state));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.lines, batch);
        let turn = Turn { reopen: std::mem::take(&mut state.reopen), closing: state.closing };
        state.finished = turn.closing && batch.is_empty();
        turn
    }

    /// Gives a batch's memory back for the next lines; what a stuck log has made it grow to is freed.
    pub(super) fn recycle(batch: &mut Vec<u8>) {
        batch.clear();
        batch.shrink_to(2 * BATCH);
    }

    /// The writer is gone: who waits in [`Self::close`] may go on.
    pub(super) fn finish(&self) {
        self.lock().finished = true;
        self.done.notify_all();
    }

    /// Asks the writer to open its file anew, after the lines that are here now.
    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    /// Has everything written, and waits for it for `limit` at most. False: lines may be left.
    pub(super) fn close(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        state.closing = true;
        self.work.notify_one();
        while !state.finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.done.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}
