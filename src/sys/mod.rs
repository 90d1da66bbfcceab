//! Floor 1: the operating system. The only home of `unsafe` and the only place that names nix and libc.
//!
//! Every function here is one act of the kernel in the shape the rest of the house wants: safe to call, typed, and
//! with its failure as `io::Error`. Nothing here decides anything, logs anything or knows what a worker is. What only
//! the arbiter needs is behind the `arbiter` feature, so that an application's library does not carry it.

#![allow(unsafe_code)]

pub mod clock;
pub mod fd;
pub mod leave;
pub mod poll;
pub mod shm;
pub mod signal;
pub mod stats;
#[cfg(test)]
pub(crate) mod testkit;
pub mod title;
pub mod trace;
pub mod write;

pub use fd::pipe;
