//! Reading a [`Seat`]: the only place where the border's pointers are followed.
//!
//! What comes out is plain, owned Rust. Descriptors stay numbers here; the worker takes them over (`sys::fd::adopt`).

#![allow(unsafe_code)]

use super::{ABI, Orders, Seat, SeatListener};
use crate::types::{Generation, SlotId};
use std::sync::atomic::AtomicU64;

/// A seat that was checked and copied.
#[derive(Debug)]
pub struct Inherited {
    pub(crate) slot: SlotId,
    pub(crate) generation: Generation,
    pub(crate) orders: Orders,
    pub(crate) listeners: Vec<SeatListener>,
    pub(crate) lane: u32,
    pub(crate) report_fd: i32,
    pub(crate) lifeline_fd: i32,
    pub(crate) log_fd: i32,
    pub(crate) tls_fd: i32,
    pub(crate) access_fd: i32,
    pub(crate) scoreboard: &'static [AtomicU64],
}

/// The promise that the pointers and descriptors of a [`Seat`] are valid, without which no seat can be made.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Vouched(());

impl Vouched {
    /// The promise of this crate's own arbiter.
    #[cfg(any(feature = "arbiter", test))]
    pub(crate) const fn ours() -> Self {
        Self(())
    }

    /// Somebody else's.
    ///
    /// # Safety
    ///
    /// Everything that the seat points to is as its fields say and stays so for the rest of the process's life, and its
    /// descriptors are open and nobody else's.
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self(())
    }
}

/// Why a seat cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// No seat at all.
    #[error("the arbiter gave no seat")]
    Missing,
    /// The other side of the border was built from another rustcorn.
    #[error("the arbiter speaks ABI {found}, this application was built for ABI {ABI}: rebuild one of them")]
    Abi {
        /// The arbiter's.
        found: u32,
    },
    /// The same ABI, and yet another layout.
    #[error("the arbiter's seat has {found} bytes, this application expects at least {expected}: rebuild one of them")]
    Size {
        /// The arbiter's.
        found: u32,
        /// Ours.
        expected: usize,
    },
    /// A pointer is null, or points to what cannot be meant.
    #[error("the arbiter's seat is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The settings are no JSON that we understand.
    #[error("the arbiter's orders are not understood: {0}")]
    Orders(#[from] serde_json::Error),
}

impl Inherited {
    /// Reads a seat that was made in this program.
    pub fn of(seat: &Seat) -> Result<Self, SeatError> {
        // SAFETY: it is a whole seat, and whoever made it has vouched for the rest.
        unsafe { Self::read(seat) }
    }

    /// Reads the seat that an arbiter passed across the border, for the symbol that [`export!`](crate::export) writes.
    ///
    /// # Safety
    ///
    /// `seat` is null or points to a seat as an arbiter makes it: at least ABI number and size are readable, and if
    /// both are ours, everything it points to is valid for the rest of the process's life.
    pub unsafe fn read(seat: *const Seat) -> Result<Self, SeatError> {
        if seat.is_null() {
            return Err(SeatError::Missing);
        }
        // SAFETY: the caller vouches for the first two fields whatever the ABI; no reference to more is made.
        let (abi, size) = unsafe { ((&raw const (*seat).abi).read(), (&raw const (*seat).size).read()) };
        if abi != ABI {
            return Err(SeatError::Abi { found: abi });
        }
        if (size as usize) < size_of::<Seat>() {
            return Err(SeatError::Size { found: size, expected: size_of::<Seat>() });
        }
        // SAFETY: ABI and size are ours, so it is a whole seat.
        let seat = unsafe { &*seat };
        let slot = u16::try_from(seat.slot).map_err(|_| SeatError::Damaged { what: "the slot number" })?;
        // SAFETY: as the arbiter made them, see above.
        let orders = unsafe { slice(seat.orders, seat.orders_len) };
        // SAFETY: as above.
        let listeners = unsafe { slice(seat.listeners, seat.listeners_len) };
        let words = seat.scoreboard.cast_const().cast::<AtomicU64>();
        if !words.is_aligned() {
            return Err(SeatError::Damaged { what: "the scoreboard's address" });
        }
        // SAFETY: the mapping is never unmapped, and everybody reaches it as atomics.
        let scoreboard = unsafe { slice(words, seat.scoreboard_len / size_of::<AtomicU64>()) };
        Ok(Self {
            slot: SlotId(slot),
            generation: Generation(seat.generation),
            orders: serde_json::from_slice(orders.ok_or(SeatError::Damaged { what: "the orders" })?)?,
            listeners: listeners.ok_or(SeatError::Damaged { what: "the listeners" })?.to_vec(),
            lane: seat.lane,
            report_fd: seat.report_fd,
            lifeline_fd: seat.lifeline_fd,
            log_fd: seat.log_fd,
            tls_fd: seat.tls_fd,
            access_fd: seat.access_fd,
            scoreboard: scoreboard.ok_or(SeatError::Damaged { what: "the scoreboard" })?,
        })
    }
}

/// # Safety
///
/// `first` is null or points to `count` values that live and keep still (or are atomics) for the rest of the process.
unsafe fn slice<T>(first: *const T, count: usize) -> Option<&'static [T]> {
    if count == 0 {
        return Some(&[]);
    }
    // SAFETY: the caller's promise.
    (!first.is_null() && first.is_aligned()).then(|| unsafe { std::slice::from_raw_parts(first, count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{KIND_TCP, SHARED_LANE};

    fn seat(orders: &'static str, words: &'static [AtomicU64]) -> Seat {
        let listeners: &'static [SeatListener] =
            &[SeatListener { fd: 3, kind: KIND_TCP, lane: SHARED_LANE, tls: 1, leaving: 0 }];
        Seat {
            abi: ABI,
            size: size_of::<Seat>() as u32,
            slot: 2,
            generation: 7,
            orders: orders.as_ptr(),
            orders_len: orders.len(),
            listeners: listeners.as_ptr(),
            listeners_len: 1,
            lane: 2,
            report_fd: 10,
            lifeline_fd: 11,
            log_fd: 2,
            tls_fd: 12,
            access_fd: -1,
            scoreboard: words.as_ptr().cast_mut().cast(),
            scoreboard_len: size_of_val(words),
            vouched: Vouched::ours(),
        }
    }

    fn read(seat: &Seat) -> Result<Inherited, SeatError> {
        Inherited::of(seat)
    }

    #[test]
    fn a_seat_comes_across() {
        let words = Vec::from_iter((0..4).map(AtomicU64::new)).leak();
        let got = read(&seat(r#"{"app":"hello:router","keepalive":5,"from_the_future":1}"#, words)).unwrap();
        assert_eq!((got.slot, got.generation, got.listeners.len()), (SlotId(2), Generation(7), 1));
        assert_eq!((got.orders.app.as_str(), got.orders.keepalive, got.orders.threads), ("hello:router", 5.0, 1));
        assert_eq!((got.listeners[0].tls, got.tls_fd), (1, 12));
        assert_eq!(got.scoreboard.len(), 4);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut other = seat("{}", &[]);
        other.abi = ABI + 1;
        assert!(read(&other).unwrap_err().to_string().contains(&format!("ABI {}", ABI + 1)));
        let mut short = seat("{}", &[]);
        short.size = 8;
        assert!(matches!(read(&short), Err(SeatError::Size { found: 8, .. })));
        assert!(matches!(read(&seat("{", &[])), Err(SeatError::Orders(_))));
        let mut null = seat("{}", &[]);
        null.listeners = std::ptr::null();
        assert!(matches!(read(&null), Err(SeatError::Damaged { what: "the listeners" })));
        // SAFETY: null is allowed.
        assert!(matches!(unsafe { Inherited::read(std::ptr::null()) }, Err(SeatError::Missing)));
    }
}
