//! Where everything is, in 64-bit words. A change here is a new [`LAYOUT`] and a new `abi::ABI`.
//!
//! ```text
//! header   16 words   magic, layout, slots, stride in bytes, high water, settled generation
//! record   384 words  (3072 bytes, a multiple of 128) per slot:
//!    0..16   identity, and what peers read before each accept: changes with connections, not with requests
//!   16..32   gauges and counters that change with each request
//!   32..40   answers by status class (0: none was sent)
//!   40..72   latency buckets: bucket n counts requests that took less than 2^n microseconds
//!   72..96   unused
//!   96..384  requests in flight: 16 entries of 18 words: sequence, since, method, path
//! ```

/// "rustcorn" as a number.
pub const MAGIC_VALUE: u64 = u64::from_be_bytes(*b"rustcorn");
/// The number of this layout.
pub const LAYOUT: u64 = 2;

pub const MAGIC: usize = 0;
pub const VERSION: usize = 1;
pub const SLOTS: usize = 2;
pub const STRIDE: usize = 3;
pub const HIGH_WATER: usize = 4;
pub const SETTLED: usize = 5;
pub const HEADER_WORDS: usize = 16;

pub const PID: usize = 0;
pub const GENERATION: usize = 1;
pub const STATE: usize = 2;
pub const HEARTBEAT: usize = 3;
pub const STARTED: usize = 4;
pub const READY: usize = 5;
pub const CONNECTIONS: usize = 6;
pub const ACCEPTED: usize = 7;
pub const LANE: usize = 8;
pub const RSS: usize = 9;
pub const DROPPED_LINES: usize = 10;

pub const IN_FLIGHT: usize = 16;
pub const REQUESTS: usize = 17;
pub const BYTES_IN: usize = 18;
pub const BYTES_OUT: usize = 19;
pub const LATENCY_SUM: usize = 20;

pub const STATUS: usize = 32;
pub const STATUS_CLASSES: usize = 6;
pub const LATENCY: usize = 40;
pub const LATENCY_BUCKETS: usize = 32;

pub const ENTRIES: usize = 96;
pub const ENTRY_COUNT: usize = 16;
pub const ENTRY_WORDS: usize = 18;
pub const ENTRY_SEQUENCE: usize = 0;
pub const ENTRY_SINCE: usize = 1;
pub const ENTRY_METHOD: usize = 2;
pub const ENTRY_PATH: usize = 3;
/// A longer path with its query is cut.
pub const PATH_BYTES: usize = (ENTRY_WORDS - ENTRY_PATH) * size_of::<u64>();

pub const RECORD_WORDS: usize = ENTRIES + ENTRY_COUNT * ENTRY_WORDS;

const _: () = assert!((RECORD_WORDS * size_of::<u64>()).is_multiple_of(128));
const _: () = assert!((HEADER_WORDS * size_of::<u64>()).is_multiple_of(128));

/// The size of a scoreboard, in words.
pub const fn words_for(slots: u16) -> usize {
    HEADER_WORDS + slots as usize * RECORD_WORDS
}
