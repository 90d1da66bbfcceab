//! mimalloc as an allocator of Rust's.
//!
//! Not by its own binding: that asks for an aligned block each time, which takes a longer way through the allocator and, for
//! the sizes of a map of header fields, gets a larger block with an offset. Every block is aligned to a word as it is.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};

/// What every block is aligned to, whatever its size.
const WORD: usize = size_of::<usize>();

/// The allocator; it has no state of its own.
pub struct Mimalloc;

// SAFETY: the blocks are mimalloc's, which are as large and as aligned as was asked for, belong to nobody else until they are
// given back, and may be given back by any thread; none of its functions unwinds.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= WORD {
            // SAFETY: it takes any size.
            unsafe { mi::mi_malloc(layout.size()) }.cast()
        } else {
            // SAFETY: the alignment of a layout is a power of two.
            unsafe { mi::mi_malloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= WORD {
            // SAFETY: as above.
            unsafe { mi::mi_zalloc(layout.size()) }.cast()
        } else {
            // SAFETY: as above.
            unsafe { mi::mi_zalloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller's block is one of ours.
        unsafe { mi::mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= WORD {
            // SAFETY: the caller's block is one of ours.
            unsafe { mi::mi_realloc(block.cast(), size) }.cast()
        } else {
            // SAFETY: the same, and the alignment is the one that it was made with.
            unsafe { mi::mi_realloc_aligned(block.cast(), size, layout.align()) }.cast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_keep_their_bytes_when_they_grow() {
        for align in (0..13).map(|bits| 1 << bits) {
            for size in [1, 8, 9, 24, 40, 129, 1000, 1248, 5000, 70_000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the blocks are used within their sizes and given back once, with the layouts they have.
                unsafe {
                    let block = Mimalloc.alloc_zeroed(layout);
                    let other = Mimalloc.alloc(layout);
                    assert!(!block.is_null() && block.addr().is_multiple_of(align), "{layout:?}");
                    assert!(!other.is_null() && other.addr().is_multiple_of(align), "{layout:?}");
                    assert!(std::slice::from_raw_parts(block, size).iter().all(|byte| *byte == 0), "{layout:?}");
                    block.write_bytes(7, size);
                    other.write_bytes(8, size);
                    let grown = Mimalloc.realloc(block, layout, 3 * size);
                    assert!(!grown.is_null() && grown.addr().is_multiple_of(align), "{layout:?}");
                    assert!(std::slice::from_raw_parts(grown, size).iter().all(|byte| *byte == 7), "{layout:?}");
                    Mimalloc.dealloc(grown, Layout::from_size_align(3 * size, align).unwrap());
                    Mimalloc.dealloc(other, layout);
                }
            }
        }
    }
}
