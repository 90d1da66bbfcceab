//! rustcorn: a prefork process manager for web applications.
//!
//! An application depends on this crate, writes a function that builds its router, and exports it by name: see
//! [`export!`]. With the feature `cli`, [`main!`] links the application and the whole command line into one program;
//! with the feature `arbiter`, [`serve`] does so with settings made in the program.
//!
//! The floors of the house; a module uses lower floors only:
//!
//! ```text
//! F6 cli
//! F5 launch
//! F4 app   worker   arbiter
//! F3 scoreboard   listeners   log   tls
//! F2 settings   supervisor   sys
//! F1 abi   proxies
//! F0 types
//! ```

#[doc(hidden)]
pub mod abi;
#[cfg(feature = "arbiter")]
#[doc(hidden)]
pub mod app;
#[cfg(feature = "arbiter")]
#[doc(hidden)]
pub mod arbiter;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "arbiter")]
#[doc(hidden)]
pub mod launch;
#[cfg(feature = "arbiter")]
#[doc(hidden)]
pub mod listeners;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod proxies;
#[doc(hidden)]
pub mod scoreboard;
#[cfg(feature = "arbiter")]
pub mod settings;
#[cfg(feature = "arbiter")]
pub mod supervisor;
#[doc(hidden)]
pub mod sys;
#[doc(hidden)]
pub mod tls;
pub mod types;
#[doc(hidden)]
pub mod worker;

#[cfg(feature = "arbiter")]
pub use launch::serve;
#[cfg(feature = "arbiter")]
pub use settings::Settings;
pub use tls::TlsFacts;
pub use worker::{Address, App, Body, BoxError, Connection, leaving};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: sys::alloc::Mimalloc = sys::alloc::Mimalloc;
