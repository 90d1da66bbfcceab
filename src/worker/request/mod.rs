//! What is the same for a request whatever protocol it comes by.
//!
//! - `flight`: it counts as in flight, from its head to the last byte of its answer.
//! - `id`: what it is called, if that is wanted.
//! - `prepare`: what the application finds in it.

mod flight;
mod id;
mod prepare;

pub(super) use flight::{End, Flight};
pub(super) use prepare::prepare;
