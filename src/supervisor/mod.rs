//! The supervisor: every decision of the arbiter, and nothing else.
//!
//! A state machine without a descriptor, a clock, a log call or a system call: events and stamps in, actions out. So
//! every order of deaths, signals and reloads can be played through in a test. The shell that feeds it and performs its
//! actions is `arbiter`.

mod action;
mod event;
mod farewell;
mod invariants;
mod machine;
mod patience;
mod postpone;
mod rebuild;
mod reconcile;
mod reload;
mod respawn;
mod slot;
mod stop;
mod upgrade;

pub use action::{Action, Cause, Phase, Symptom};
pub use event::{Event, Intent, Terms};
pub use machine::{Machine, SlotState, SlotView};
