//! Memory that a connection needs only while it is being looked at, lent by the thread: an idle connection holds none.

use bytes::BytesMut;
use http::HeaderMap;
use std::cell::RefCell;

/// The size of a block that heads are read into; many small ones fit.
const BLOCK: usize = 16 << 10;
/// A block with less room than this is not read into.
pub(super) const ROOM: usize = 4 << 10;
/// A larger buffer for answers is given back to the system.
const LARGEST: usize = 64 << 10;
/// A map with room for more fields than this, too.
const MOST_FIELDS: usize = 64;

thread_local! {
    static SCRATCH: RefCell<Scratch> =
        const { RefCell::new(Scratch { input: None, output: Vec::new(), headers: None }) };
}

struct Scratch {
    /// Pieces of the same block may still be with requests; the rest of it is free.
    input: Option<BytesMut>,
    output: Vec<u8>,
    headers: Option<HeaderMap>,
}

/// An empty buffer with at least [`ROOM`].
pub(super) fn take_input() -> BytesMut {
    let kept = SCRATCH.with(|scratch| scratch.borrow_mut().input.take());
    let mut block = kept.unwrap_or_default();
    // Once no request holds a piece of it, a block is used again from its beginning.
    if block.capacity() < ROOM && !(block.capacity() > 0 && block.try_reclaim(BLOCK)) {
        block = BytesMut::with_capacity(BLOCK);
    }
    block
}

/// Gives an empty buffer back.
pub(super) fn keep_input(buffer: BytesMut) {
    if buffer.capacity() > 0 {
        SCRATCH.with(|scratch| {
            scratch.borrow_mut().input.get_or_insert(buffer);
        });
    }
}

/// An empty buffer for an answer.
pub(super) fn take_output() -> Vec<u8> {
    SCRATCH.with(|scratch| std::mem::take(&mut scratch.borrow_mut().output))
}

/// Gives a buffer back, whatever it holds.
pub(super) fn keep_output(mut buffer: Vec<u8>) {
    buffer.clear();
    if buffer.capacity() <= LARGEST {
        SCRATCH.with(|scratch| {
            let mut scratch = scratch.borrow_mut();
            if scratch.output.capacity() < buffer.capacity() {
                scratch.output = buffer;
            }
        });
    }
}

/// An empty map for the fields of a request or of a response, which may have the memory of an earlier one that was sent by
/// this thread.
#[must_use]
pub fn take_headers() -> HeaderMap {
    SCRATCH.with(|scratch| scratch.borrow_mut().headers.take()).unwrap_or_default()
}

/// Gives the map of a response back, which has been sent: the next fields find their memory made.
pub(super) fn keep_headers(mut headers: HeaderMap) {
    // Values under one name do not count as capacity, but take memory too.
    if (1..=MOST_FIELDS).contains(&headers.capacity()) && headers.len() <= MOST_FIELDS {
        headers.clear();
        SCRATCH.with(|scratch| {
            scratch.borrow_mut().headers.get_or_insert(headers);
        });
    }
}
