//! What a worker writes per connection and per request: a handful of relaxed stores.
//!
//! With one writing thread a count is a load and a store, which costs nothing measurable; with several it is an atomic
//! addition. What goes up and down always is, as is the table of requests: an upgraded connection and a response's body
//! belong to the application, which may take them to a thread of its own, and what is lost of a count is lost for a
//! moment of a statistic, but of a gauge for ever. Only one process ever writes a record, so nothing stronger is needed.

use super::inflight::{self, InFlight};
use super::layout;
use super::record::Record;
use crate::types::Mono;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// The pen of the worker that owns the record.
#[derive(Debug)]
pub struct Writer {
    record: Record,
    exclusive: bool,
    /// Bit n: entry n of the in-flight table is free. Local to the process: nobody else writes the table.
    free: AtomicU32,
}

/// A request's place in the in-flight table; none if the table was full.
#[derive(Clone, Copy, Debug)]
#[must_use = "give it back with `Writer::finish`"]
pub struct RequestSlot(Option<u8>);

impl RequestSlot {
    /// As a number, for those who keep it in a single word.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0.unwrap_or(u8::MAX)
    }
}

const ALL_FREE: u32 = (1 << layout::ENTRY_COUNT) - 1;

impl Writer {
    pub(super) fn new(record: Record, exclusive: bool) -> Self {
        Self { record, exclusive, free: AtomicU32::new(ALL_FREE) }
    }

    /// The record written to.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record
    }

    /// Adds, and returns the sum.
    fn add(&self, index: usize, n: u64) -> u64 {
        let word = self.record.word(index);
        if self.exclusive {
            let sum = word.load(Relaxed).wrapping_add(n);
            word.store(sum, Relaxed);
            sum
        } else {
            word.fetch_add(n, Relaxed).wrapping_add(n)
        }
    }

    /// A connection was accepted.
    pub fn connection_opened(&self) {
        self.record.word(layout::CONNECTIONS).fetch_add(1, Relaxed);
        self.record.word(layout::ACCEPTED).fetch_add(1, Relaxed);
    }

    /// A connection is gone.
    pub fn connection_closed(&self) {
        self.record.word(layout::CONNECTIONS).fetch_sub(1, Relaxed);
    }

    /// Bytes came from clients.
    pub fn received(&self, bytes: usize) {
        self.add(layout::BYTES_IN, bytes as u64);
    }

    /// Bytes went to clients.
    pub fn sent(&self, bytes: usize) {
        self.add(layout::BYTES_OUT, bytes as u64);
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        // Less than nothing is what one thread may see between two others.
        let in_flight = self.record.word(layout::IN_FLIGHT).load(Relaxed).cast_signed();
        usize::try_from(in_flight.max(0)).unwrap_or(usize::MAX)
    }

    /// A request's head is complete: it is in flight from now on.
    pub fn begin(&self, method: &str, path: &[u8], now: Mono) -> RequestSlot {
        self.record.word(layout::IN_FLIGHT).fetch_add(1, Relaxed);
        let slot = self.claim();
        if let RequestSlot(Some(n)) = slot {
            inflight::write(self.record.entry(usize::from(n)), method, path, now);
        }
        slot
    }

    /// The request is over: its answer was sent, or never will be whole (`status` zero). Returns
    /// how many requests the worker has answered.
    pub fn finish(&self, slot: RequestSlot, status: u16, took: Duration) -> u64 {
        if let RequestSlot(Some(n)) = slot {
            inflight::clear(self.record.entry(usize::from(n)));
            self.release(n);
        }
        self.record.word(layout::IN_FLIGHT).fetch_sub(1, Relaxed);
        self.add(layout::STATUS + status_class(status), 1);
        self.add(layout::LATENCY + latency_bucket(took), 1);
        self.add(layout::LATENCY_SUM, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.add(layout::REQUESTS, 1)
    }

    /// What the table says of a request that is in flight.
    #[must_use]
    pub fn look_up(&self, slot: RequestSlot) -> Option<InFlight> {
        slot.0.and_then(|n| inflight::read(self.record.entry(usize::from(n))))
    }

    fn claim(&self) -> RequestSlot {
        let mut free = self.free.load(Relaxed);
        loop {
            if free == 0 {
                return RequestSlot(None);
            }
            let n = free.trailing_zeros();
            let rest = free & !(1 << n);
            match self.free.compare_exchange_weak(free, rest, Acquire, Relaxed) {
                Ok(_) => return RequestSlot(Some(n as u8)),
                Err(now) => free = now,
            }
        }
    }

    fn release(&self, n: u8) {
        self.free.fetch_or(1 << n, Release);
    }
}

/// The index of a status in the counters: its first digit, or zero for none.
fn status_class(status: u16) -> usize {
    let class = usize::from(status / 100);
    if class < layout::STATUS_CLASSES { class } else { 0 }
}

/// The least n with `took` < 2^n microseconds; the last bucket takes everything longer.
pub(super) fn latency_bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let bits = (u64::BITS - micros.leading_zeros()) as usize;
    bits.min(layout::LATENCY_BUCKETS - 1)
}
