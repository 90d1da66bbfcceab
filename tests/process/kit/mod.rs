//! The harness: starts the program under test in a directory of its own, watches it from outside, speaks HTTP to it,
//! puts load on it, and looks for leftovers when it is gone.

pub mod apps;
pub mod http;
pub mod lab;
pub mod launch;
pub mod load;
pub mod log;
pub mod notify;
pub mod proc;
pub mod server;
pub mod wait;

pub use http::{Address, Client};
pub use lab::Lab;
pub use launch::Launch;
pub use load::Load;
pub use nix::sys::signal::Signal;
pub use server::Server;
pub use std::time::{Duration, Instant};
pub use wait::{SOON, ms, secs, wait_until};
