//! Memory shared between the arbiter and its workers. What lies in it is the scoreboard's business.

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

/// What may lie in shared memory.
///
/// # Safety
///
/// The type is `repr(C)` (or transparent), consists of atomics only, has no destructor, and all bytes zero is a value
/// of it. Other processes change it at any moment.
pub unsafe trait Shared: Sync + 'static {}

macro_rules! shared {
    ($($atomic:ty),*) => { $(
        // SAFETY: an atomic integer, for which every bit pattern is a value.
        unsafe impl Shared for $atomic {}
    )* };
}
shared!(AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicI32, AtomicI64);

// SAFETY: as its elements.
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {}

/// A mapping that forked children share. It lives as long as the process: it is never unmapped, so what it lends is
/// `'static`.
#[derive(Clone, Copy, Debug)]
pub struct SharedMap {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping never goes away, and it is only reached as atomics.
unsafe impl Send for SharedMap {}
// SAFETY: as above.
unsafe impl Sync for SharedMap {}

impl SharedMap {
    /// A fresh mapping of at least one byte, all zero. The kernel gives its pages as they are touched.
    pub fn new(len: usize) -> io::Result<Self> {
        let size = NonZeroUsize::new(len).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that exists.
        let start =
            unsafe { mmap_anonymous(None, size, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED)? };
        Ok(Self { start: start.cast(), len })
    }

    /// The mapping that somebody else in this process made.
    ///
    /// # Safety
    ///
    /// `start` is the start of a mapping of `len` bytes that stays for the life of the process and of which nobody
    /// holds a reference to anything but [`Shared`] types.
    pub unsafe fn from_raw(start: *mut u8, len: usize) -> Option<Self> {
        NonNull::new(start).map(|start| Self { start, len })
    }

    /// `count` values of `T` that begin `offset` bytes into the mapping. None if they would not lie inside it, or not
    /// at a multiple of `T`'s alignment.
    #[must_use]
    pub fn array<T: Shared>(&self, offset: usize, count: usize) -> Option<&'static [T]> {
        let end = size_of::<T>().checked_mul(count)?.checked_add(offset)?;
        if end > self.len {
            return None;
        }
        // SAFETY: offset <= end <= len, so the pointer stays in the mapping (or one past its end).
        let first = unsafe { self.start.add(offset) }.cast::<T>();
        if !first.is_aligned() {
            return None;
        }
        // SAFETY: inside the mapping, aligned, initialised (a Shared type takes any zeroed or atomically written
        // memory), for ever valid, and changed through atomics only.
        Some(unsafe { std::slice::from_raw_parts(first.as_ptr(), count) })
    }

    /// Where it begins.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Its length in bytes, as asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Always false for a mapping made by `new`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn it_is_zero_and_shared_with_a_child() {
        let map = SharedMap::new(4096).unwrap();
        let numbers = map.array::<AtomicU64>(64, 4).unwrap();
        assert!(numbers.iter().all(|number| number.load(Relaxed) == 0));
        testkit::in_fork(|| numbers[3].store(42, Relaxed));
        assert_eq!(numbers[3].load(Relaxed), 42);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let map = SharedMap::new(64).unwrap();
        assert!(map.array::<AtomicU64>(0, 8).is_some());
        assert!(map.array::<AtomicU64>(0, 9).is_none());
        assert!(map.array::<AtomicU64>(56, 2).is_none());
        assert!(map.array::<AtomicU64>(usize::MAX, 1).is_none());
        assert!(map.array::<AtomicU64>(0, usize::MAX).is_none());
        assert!(map.array::<AtomicU64>(4, 1).is_none(), "not aligned");
        assert!(map.array::<AtomicU8>(64, 0).is_some());
    }

    #[test]
    fn an_empty_mapping_is_refused() {
        assert_eq!(SharedMap::new(0).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
