//! One worker's record as readers see it, and the few writes that are not per request.

use super::inflight::{self, InFlight};
use super::layout;
use crate::types::{Generation, Mono, Pid};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody sits here.
    Empty,
    /// Forked; the application is not ready.
    Starting,
    /// Accepts connections.
    Ready,
    /// Accepts nothing more, answers what it holds.
    Draining,
}

impl State {
    fn from_word(word: u64) -> Self {
        match word {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            _ => Self::Empty,
        }
    }

    fn word(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Starting => 1,
            Self::Ready => 2,
            Self::Draining => 3,
        }
    }
}

/// The numbers of a record, read at about the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it; `layout` has the details")]
pub struct Facts {
    pub pid: Pid,
    pub generation: Generation,
    pub state: State,
    pub heartbeat: Mono,
    pub started: Mono,
    /// Zero: not ready yet.
    pub ready: Mono,
    pub connections: u32,
    pub in_flight: u32,
    pub accepted: u64,
    pub requests: u64,
    /// Requests by status class; index 0: no whole answer was sent (the client left, the worker cut it, the body failed).
    pub status: [u64; layout::STATUS_CLASSES],
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Bucket n: requests that took less than 2^n microseconds and were in no lower bucket.
    pub latency: [u64; layout::LATENCY_BUCKETS],
    pub latency_sum: Duration,
    pub rss: u64,
    pub dropped_lines: u64,
}

/// A handle on one record.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    words: &'static [AtomicU64; layout::RECORD_WORDS],
}

impl Record {
    /// # Panics
    ///
    /// If `words` is not exactly a record long.
    pub(super) fn over(words: &'static [AtomicU64]) -> Self {
        match words.try_into() {
            Ok(words) => Self { words },
            Err(_) => panic!("a record is {} words long, not {}", layout::RECORD_WORDS, words.len()),
        }
    }

    pub(super) fn word(&self, index: usize) -> &'static AtomicU64 {
        &self.words[index]
    }

    fn get(&self, index: usize) -> u64 {
        self.words[index].load(Relaxed)
    }

    fn get_u32(&self, index: usize) -> u32 {
        u32::try_from(self.get(index)).unwrap_or(u32::MAX)
    }

    /// Something that goes up and down. Less than nothing is what a reader may see between two writers.
    fn gauge(&self, index: usize) -> u32 {
        u32::try_from(self.get(index).cast_signed().max(0)).unwrap_or(u32::MAX)
    }

    /// Whose record it is.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid(i32::try_from(self.get(layout::PID)).unwrap_or(0))
    }

    /// From which load the worker was born.
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.get_u32(layout::GENERATION))
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        // SeqCst with `set_state`: of several workers that start draining at once, at least one sees all others do so,
        // and does not leave waiting clients to a peer that is leaving too (`worker::accept`).
        State::from_word(self.words[layout::STATE].load(SeqCst))
    }

    /// The newest stamp of its event loop (of its start, until it is ready).
    #[must_use]
    pub fn heartbeat(&self) -> Mono {
        Mono(self.get(layout::HEARTBEAT))
    }

    /// How many connections it has open.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.gauge(layout::CONNECTIONS)
    }

    /// How many connections it has accepted in its life.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.get(layout::ACCEPTED)
    }

    /// Its own lane of `SO_REUSEPORT` listeners.
    #[must_use]
    pub fn lane(&self) -> u32 {
        self.get_u32(layout::LANE)
    }

    /// Whether it takes connections: Ready, with a heartbeat no older than `stale_after`.
    #[must_use]
    pub fn is_live(&self, now: Mono, stale_after: Duration) -> bool {
        self.state() == State::Ready && now.since(self.heartbeat()) <= stale_after
    }

    /// The requests in flight that the table has room for, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<InFlight> {
        let mut found: Vec<InFlight> = (0..layout::ENTRY_COUNT).filter_map(|n| inflight::read(self.entry(n))).collect();
        found.sort_by_key(|request| request.since);
        found
    }

    pub(super) fn entry(&self, n: usize) -> &'static [AtomicU64; layout::ENTRY_WORDS] {
        let first = layout::ENTRIES + n * layout::ENTRY_WORDS;
        match self.words[first..first + layout::ENTRY_WORDS].try_into() {
            Ok(entry) => entry,
            Err(_) => unreachable!("the slice has the length of an entry"),
        }
    }

    /// All numbers.
    #[must_use]
    pub fn snapshot(&self) -> Facts {
        Facts {
            pid: self.pid(),
            generation: self.generation(),
            state: self.state(),
            heartbeat: self.heartbeat(),
            started: Mono(self.get(layout::STARTED)),
            ready: Mono(self.get(layout::READY)),
            connections: self.connections(),
            in_flight: self.gauge(layout::IN_FLIGHT),
            accepted: self.accepted(),
            requests: self.get(layout::REQUESTS),
            status: std::array::from_fn(|n| self.get(layout::STATUS + n)),
            bytes_in: self.get(layout::BYTES_IN),
            bytes_out: self.get(layout::BYTES_OUT),
            latency: std::array::from_fn(|n| self.get(layout::LATENCY + n)),
            latency_sum: Duration::from_nanos(self.get(layout::LATENCY_SUM)),
            rss: self.get(layout::RSS),
            dropped_lines: self.get(layout::DROPPED_LINES),
        }
    }

    // === writes ===

    pub(super) fn reset(&self, generation: Generation, now: Mono) {
        self.set_state(State::Empty);
        for word in self.words {
            word.store(0, Relaxed);
        }
        self.words[layout::GENERATION].store(u64::from(generation.0), Relaxed);
        self.words[layout::STARTED].store(now.0, Relaxed);
        self.words[layout::HEARTBEAT].store(now.0, Relaxed);
        self.words[layout::LANE].store(u64::from(u32::MAX), Relaxed);
        self.set_state(State::Starting);
    }

    /// Moves the worker to another state.
    pub fn set_state(&self, state: State) {
        self.words[layout::STATE].store(state.word(), SeqCst);
    }

    /// The worker says who it is (the pid is not known when the record is reset).
    pub fn set_pid(&self, pid: Pid) {
        self.words[layout::PID].store(u64::try_from(pid.0).unwrap_or(0), Relaxed);
    }

    /// Names the worker's own lane.
    pub fn set_lane(&self, lane: u32) {
        self.words[layout::LANE].store(u64::from(lane), Relaxed);
    }

    /// The worker accepts connections from `now` on.
    pub fn set_ready(&self, now: Mono) {
        self.words[layout::READY].store(now.0, Relaxed);
        self.beat(now);
        self.set_state(State::Ready);
    }

    /// The event loop turned.
    pub fn beat(&self, now: Mono) {
        self.words[layout::HEARTBEAT].store(now.0, Relaxed);
    }

    /// Size of the process, and log lines it could not write.
    pub fn set_health(&self, rss: u64, dropped_lines: u64) {
        self.words[layout::RSS].store(rss, Relaxed);
        self.words[layout::DROPPED_LINES].store(dropped_lines, Relaxed);
    }
}
