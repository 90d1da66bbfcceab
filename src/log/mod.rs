//! The operator log: one line per thing that an operator may want to know, in Gunicorn's shape or as JSON.
//!
//! Arbiter and workers each hold one process-global logger, which is safe to use right after a fork and never blocks,
//! slows or fails its caller: what cannot be written is counted, and the count is told with the next line that can be.
//! This module decides neither what is worth a line nor who owns the file.
//!
//! - `format`: a record as text or JSON. Pure.
//! - `sink`: where lines go, and what happens when they cannot.
//! - `open`: opening `errorlog`, with sentences instead of error numbers.
//! - `global`: the process's one logger, and the macros.
//! - `bridge`: the application's `tracing` events into the same log.
//! - `facade`: the same for records of the `log` crate.
//! - `syslog`: messages to a syslog daemon, for both logs.
//! - `access`: the other log, one line for each request.

pub mod access;
mod bridge;
mod facade;
mod format;
mod global;
mod open;
mod sink;
mod syslog;

pub use bridge::bridge;
pub use facade::hear_log_records;
pub use global::{
    abandon_unless, destination, dropped, enabled, init, line, raw_fd, reconfigure, reopen, stderr, write, write_within,
};
pub use open::{Links, LogError, Opened, open};

/// Writes a line at the level debug; takes the arguments of `format!`.
#[allow(unused_macros)]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log::line($crate::types::Level::Debug, format_args!($($arg)*)) };
}
/// Writes a line at the level info; takes the arguments of `format!`.
#[allow(unused_macros)]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log::line($crate::types::Level::Info, format_args!($($arg)*)) };
}
/// Writes a line at the level warning. Not named `warn`, which is an attribute of the language.
#[allow(unused_macros)]
macro_rules! warning {
    ($($arg:tt)*) => { $crate::log::line($crate::types::Level::Warning, format_args!($($arg)*)) };
}
/// Writes a line at the level error; takes the arguments of `format!`.
#[allow(unused_macros)]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log::line($crate::types::Level::Error, format_args!($($arg)*)) };
}
/// Writes a line at the level critical; takes the arguments of `format!`.
#[allow(unused_macros)]
macro_rules! critical {
    ($($arg:tt)*) => { $crate::log::line($crate::types::Level::Critical, format_args!($($arg)*)) };
}
// Which levels are used depends on the cargo features.
#[allow(unused_imports)]
pub(crate) use {critical, debug, error, info, warning as warn};

#[cfg(test)]
mod tests;
