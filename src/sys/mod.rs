//! The operating system. The only home of `unsafe` and the only place that names nix and libc.
//!
//! Every function here is one act of the kernel in the shape the rest of the house wants: safe to call, typed, and
//! with its failure as `io::Error`. Nothing here decides anything, logs anything or knows what a worker is. What only
//! the arbiter needs is behind the `arbiter` feature, so that an application's library does not carry it.

#![allow(unsafe_code)]

pub mod accepting;
#[cfg(any(feature = "mimalloc", test))]
pub mod alloc;
pub mod clock;
#[cfg(feature = "arbiter")]
pub mod daemon;
#[cfg(feature = "arbiter")]
pub mod env;
#[cfg(feature = "arbiter")]
pub mod exec;
pub mod fd;
pub mod folder;
#[cfg(feature = "arbiter")]
pub mod fork;
#[cfg(feature = "arbiter")]
pub mod inotify;
pub mod leave;
#[cfg(feature = "arbiter")]
pub mod library;
#[cfg(feature = "arbiter")]
pub mod memfd;
pub mod orphan;
#[cfg(feature = "arbiter")]
pub mod passing;
pub mod pipe;
pub mod poll;
#[cfg(feature = "arbiter")]
pub mod privileges;
#[cfg(feature = "arbiter")]
pub mod process;
pub mod random;
pub mod sendfile;
pub mod shm;
pub mod signal;
pub mod sigstack;
#[cfg(feature = "arbiter")]
pub mod socket;
pub mod stats;
#[cfg(test)]
pub(crate) mod testkit;
pub mod title;
pub mod trace;
#[cfg(feature = "arbiter")]
pub mod wait;
pub mod write;
