//! The signals that are sent, each to one process that this program started.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Asks an arbiter to reload.
pub fn reload(pid: i32) -> Result<()> {
    kill(Pid::from_raw(pid), Signal::SIGHUP).with_context(|| format!("cannot send SIGHUP to {pid}"))
}

/// Ends a process without a word.
pub fn kill_now(pid: i32) -> Result<()> {
    kill(Pid::from_raw(pid), Signal::SIGKILL).with_context(|| format!("cannot send SIGKILL to {pid}"))
}

/// Asks a contender to stop, if it is still there.
pub fn stop_quickly(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
}
