//! What the clients of one load have done so far, readable while they go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::histogram::{Counts, Histogram};

/// What the clients write and the measurement reads.
#[derive(Default)]
pub struct Tally {
    latencies: Histogram,
    enough: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Tally {
    /// Counts one whole answer and how long it took.
    pub fn answered(&self, latency: Duration) {
        self.latencies.add(latency);
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

    /// All answers so far, by latency.
    pub fn counts(&self) -> Counts {
        self.latencies.snapshot()
    }

    /// The first failure, if there was one.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
