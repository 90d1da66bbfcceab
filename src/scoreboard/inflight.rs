//! The table of requests in flight: written by the worker, read by anybody while it changes.
//!
//! Each entry is a seqlock: the sequence is odd while the entry is written, and a reader that saw it change reads
//! again. Words are atomics, so that a torn read is a stale value and never undefined behaviour.

use super::layout::{self, ENTRY_METHOD, ENTRY_PATH, ENTRY_SEQUENCE, ENTRY_SINCE, ENTRY_WORDS};
use crate::types::Mono;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

/// A request that a worker is answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The method, at most 8 bytes of it.
    pub method: String,
    /// Path and query, at most 120 bytes of them.
    pub path: String,
    /// When its head was complete.
    pub since: Mono,
}

type Entry = [AtomicU64; ENTRY_WORDS];

/// Fills an entry that the caller owns.
pub(super) fn write(entry: &Entry, method: &str, path: &[u8], since: Mono) {
    let sequence = entry[ENTRY_SEQUENCE].load(Relaxed);
    entry[ENTRY_SEQUENCE].store(sequence.wrapping_add(1), Relaxed);
    fence(Release);
    entry[ENTRY_METHOD].store(word_of(method.as_bytes()), Relaxed);
    let path = &path[..path.len().min(layout::PATH_BYTES)];
    let mut at = ENTRY_PATH;
    for chunk in path.chunks(size_of::<u64>()) {
        entry[at].store(word_of(chunk), Relaxed);
        at += 1;
    }
    // A path that ends with a full word needs a NUL in the next one, if there is one.
    if path.len().is_multiple_of(size_of::<u64>()) && at < ENTRY_WORDS {
        entry[at].store(0, Relaxed);
    }
    // Zero means free, whatever the clock says.
    entry[ENTRY_SINCE].store(since.0.max(1), Relaxed);
    entry[ENTRY_SEQUENCE].store(sequence.wrapping_add(2), Release);
}

/// Frees an entry that the caller owns.
pub(super) fn clear(entry: &Entry) {
    entry[ENTRY_SINCE].store(0, Relaxed);
}

/// What an entry says; `None` if it is free, or changes too fast to be read (then it is no old request).
pub(super) fn read(entry: &Entry) -> Option<InFlight> {
    const ATTEMPTS: usize = 64;
    for _ in 0..ATTEMPTS {
        let before = entry[ENTRY_SEQUENCE].load(Acquire);
        let words: [u64; ENTRY_WORDS] = std::array::from_fn(|n| entry[n].load(Relaxed));
        fence(Acquire);
        let after = entry[ENTRY_SEQUENCE].load(Relaxed);
        if before != after || before % 2 == 1 {
            std::hint::spin_loop();
            continue;
        }
        if words[ENTRY_SINCE] == 0 {
            return None;
        }
        return Some(InFlight {
            method: text_of(&words[ENTRY_METHOD..ENTRY_PATH]),
            path: text_of(&words[ENTRY_PATH..]),
            since: Mono(words[ENTRY_SINCE]),
        });
    }
    None
}

/// Up to eight bytes as a word, padded with NUL.
fn word_of(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(whole) => u64::from_le_bytes(*whole),
        // Mostly a method or a short path: a loop is less work than a copy of a length that nobody knows beforehand.
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

fn text_of(words: &[u64]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
