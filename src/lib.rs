//! rustcorn: a prefork process manager for web applications.
//!
//! An application depends on this crate, writes a function that builds its router, and exports it by name:
//! see [`export!`], [`main!`] and [`serve`].
//!
//! The floors of the house; a module uses lower floors only:
//!
//! ```text
//! F4 cli
//! F3 app   worker   arbiter
//! F2 scoreboard   listeners   log
//! F1 settings   supervisor   sys   abi
//! F0 types
//! ```

#[doc(hidden)]
pub mod abi;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod scoreboard;
#[doc(hidden)]
pub mod sys;
pub mod types;
#[doc(hidden)]
pub mod worker;

pub use worker::{Address, App, Body, BoxError, Connection};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
