//! What is the same for a request whatever protocol it comes by.
//!
//! - `flight`: it counts as in flight, from its head to the last byte of its answer.
//! - `id`: what it is called, if that is wanted.
//! - `line`: what the access log keeps of it.
//! - `rules`: what a request must be.
//! - `refusal`: what is refused, and with which words.
//! - `prepare`: what the application finds in it.

mod flight;
mod id;
mod line;
mod prepare;
pub(super) mod refusal;
pub(super) mod rules;

pub(super) use flight::{End, Flight};
pub(super) use line::refused;
pub(super) use prepare::{prepare, room_for_facts};
pub(super) use refusal::Refusal;
