//! What the clients of one load have done so far, readable while they go on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters that the clients write and the measurement reads.
#[derive(Default)]
pub struct Tally {
    answered: AtomicU64,
    enough: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Tally {
    /// Counts one whole answer.
    pub fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a failure; the first one is kept, the others follow from it.
    pub fn failed(&self, problem: &anyhow::Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| format!("{problem:#}"));
    }

    /// Whether the clients are to go on.
    pub fn wanted(&self) -> bool {
        !self.enough.load(Ordering::Relaxed)
    }

    /// Tells the clients to leave after the answer that each waits for.
    pub fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Whole answers so far.
    pub fn count(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// The first failure, if there was one.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
