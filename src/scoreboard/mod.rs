//! The memory that all processes share: what each worker is doing, readable by everybody at any moment.
//!
//! Owns the layout (see `layout`) and the rules of access: a worker writes its own record through a [`Writer`], the
//! arbiter resets a record before it forks a worker into it and vacates it after the worker's death, everybody reads.
//! Nothing here locks, blocks or fails, and a reader never sees half of an in-flight entry. It refuses a mapping of
//! another layout. Counterparts: `sys::shm` makes the mapping, `abi` carries it across the border.

mod inflight;
mod lanes;
mod layout;
mod record;
#[cfg(test)]
mod tests;
mod writer;

pub use inflight::InFlight;
pub use record::{Facts, Record, State};
pub use writer::{RequestSlot, Writer};

use crate::sys::shm::SharedMap;
use crate::types::{Generation, Mono, SlotId};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a wide socket is accepted from when the reload is done that has made its bind narrower: as long as a handshake
/// takes of which one packet is lost.
pub const LEAVING: Duration = Duration::from_secs(2);

/// A view of the whole mapping. Cheap to copy; the mapping lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Scoreboard {
    words: &'static [AtomicU64],
    slots: u16,
}

/// Why a mapping cannot be used as a scoreboard.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScoreboardError {
    /// It is no scoreboard, or one of another layout.
    #[error("the scoreboard has layout {found}, this worker knows layout {expected}: rebuild the application")]
    Layout {
        /// What the header says.
        found: u64,
        /// What this build knows.
        expected: u64,
    },
    /// The mapping is shorter than its header says.
    #[error("the scoreboard is {found} bytes long where {expected} are needed")]
    Short {
        /// What there is.
        found: usize,
        /// What the slots need.
        expected: usize,
    },
}

impl Scoreboard {
    /// Maps a scoreboard with room for `slots` workers. The arbiter does this once, before the first fork.
    pub fn create(slots: u16) -> io::Result<Self> {
        let count = layout::words_for(slots);
        let map = SharedMap::new(count * size_of::<u64>())?;
        let words = map.array(0, count).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(Self::lay_out(words, slots))
    }

    /// Writes the header into zeroed words.
    fn lay_out(words: &'static [AtomicU64], slots: u16) -> Self {
        words[layout::SLOTS].store(u64::from(slots), Relaxed);
        words[layout::STRIDE].store((layout::RECORD_WORDS * size_of::<u64>()) as u64, Relaxed);
        words[layout::VERSION].store(layout::LAYOUT, Relaxed);
        words[layout::MAGIC].store(layout::MAGIC_VALUE, Relaxed);
        Self { words, slots }
    }

    /// Takes a mapping that somebody else has laid out (what `abi` read from the seat).
    pub fn adopt(words: &'static [AtomicU64]) -> Result<Self, ScoreboardError> {
        let found = size_of_val(words);
        if words.len() < layout::HEADER_WORDS {
            return Err(ScoreboardError::Short { found, expected: layout::HEADER_WORDS * size_of::<u64>() });
        }
        let version = words[layout::VERSION].load(Relaxed);
        if words[layout::MAGIC].load(Relaxed) != layout::MAGIC_VALUE || version != layout::LAYOUT {
            return Err(ScoreboardError::Layout { found: version, expected: layout::LAYOUT });
        }
        let slots = u16::try_from(words[layout::SLOTS].load(Relaxed)).unwrap_or(u16::MAX);
        let expected = layout::words_for(slots) * size_of::<u64>();
        if found < expected {
            return Err(ScoreboardError::Short { found, expected });
        }
        Ok(Self { words, slots })
    }

    /// The mapping, for the seat.
    #[must_use]
    pub fn raw(&self) -> (*mut u8, usize) {
        (self.words.as_ptr().cast_mut().cast(), size_of_val(self.words))
    }

    /// How many workers there is room for.
    #[must_use]
    pub fn slots(&self) -> u16 {
        self.slots
    }

    /// One past the highest slot that was ever used: readers need not look beyond.
    #[must_use]
    pub fn high_water(&self) -> u16 {
        let used = u16::try_from(self.words[layout::HIGH_WATER].load(Relaxed)).unwrap_or(u16::MAX);
        used.min(self.slots)
    }

    /// Nobody but workers of this generation serves: its listeners listen, and those that it has replaced may be left.
    pub fn settle(&self, generation: Generation) {
        self.words[layout::SETTLED].store(u64::from(generation.0), Relaxed);
    }

    /// Whether it is this generation that serves alone, after a reload.
    #[must_use]
    pub fn is_settled(&self, generation: Generation) -> bool {
        self.words[layout::SETTLED].load(Relaxed) == u64::from(generation.0)
    }

    /// The record of one slot.
    ///
    /// # Panics
    ///
    /// If the scoreboard has no such slot: the arbiter never hands out one.
    #[must_use]
    pub fn slot(&self, slot: SlotId) -> Record {
        assert!(slot.0 < self.slots, "slot {slot} of {}", self.slots);
        let first = layout::HEADER_WORDS + slot.index() * layout::RECORD_WORDS;
        Record::over(&self.words[first..first + layout::RECORD_WORDS])
    }

    /// The records in use or used before, with their slots.
    pub fn records(&self) -> impl Iterator<Item = (SlotId, Record)> + Clone + use<> {
        let board = *self;
        (0..board.high_water()).map(move |n| (SlotId(n), board.slot(SlotId(n))))
    }

    /// Clears a record for a worker that is about to be forked (its pid is not known yet: the child writes it).
    pub fn reset(&self, slot: SlotId, generation: Generation, now: Mono) {
        self.slot(slot).reset(generation, now);
        self.words[layout::HIGH_WATER].fetch_max(u64::from(slot.0) + 1, Relaxed);
    }

    /// Marks a record empty after its worker's death. Its counters stay readable until the next [`Self::reset`].
    pub fn vacate(&self, slot: SlotId) {
        self.slot(slot).set_state(State::Empty);
    }

    /// The peers of `me` that take connections now: Ready, and with a heartbeat no older than `stale_after`.
    pub fn live_peers(
        &self,
        me: SlotId,
        now: Mono,
        stale_after: Duration,
    ) -> impl Iterator<Item = (SlotId, Record)> + Clone + use<> {
        self.records().filter(move |(slot, record)| *slot != me && record.is_live(now, stale_after))
    }

    /// The memory of a scoreboard that no other process shares, for tests.
    #[cfg(test)]
    pub fn private(slots: u16) -> Self {
        let words: Vec<AtomicU64> = (0..layout::words_for(slots)).map(|_| AtomicU64::new(0)).collect();
        Self::lay_out(words.leak(), slots)
    }

    /// A writer for the worker of `slot` which this process is. `exclusive`: only one thread will write.
    #[must_use]
    pub fn writer(&self, slot: SlotId, exclusive: bool) -> Writer {
        Writer::new(self.slot(slot), exclusive)
    }
}
