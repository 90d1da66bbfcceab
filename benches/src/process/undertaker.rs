//! Ends what was started even when this program is interrupted: guards run on return and on panic, but not on a signal.

use anyhow::{Context, Result};
use std::sync::{Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};

use super::signals::stop_quickly;

/// The contenders that run now. Only their direct processes: each of them ends its own children.
static RUNNING: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Notes a process that must not outlive this program.
pub fn watch(pid: i32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
}

/// Forgets a process that has been reaped, before its number can belong to somebody else.
pub fn forget(pid: i32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| *known != pid);
}

/// From now on SIGINT and SIGTERM end the contenders first and this program then.
pub fn end_with_us() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let (mut int, mut term) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
        });
        // The lock is kept: nothing is started any more.
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().copied().for_each(stop_quickly);
        // No other way out: the threads that measure cannot be unwound from here.
        #[allow(clippy::exit)]
        std::process::exit(130);
    };
    std::thread::Builder::new().name("undertaker".into()).spawn(wait).context("cannot start a thread")?;
    Ok(())
}
