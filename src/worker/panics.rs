//! Panics of the application, in the operator log, with their place.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// The newest panic, for the sentence that says why a factory failed.
static NEWEST: Mutex<Option<String>> = Mutex::new(None);

/// From now on panics go to the log instead of the standard error stream. An application may set its own hook later.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = place_and_message(info);
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let stack = match backtrace.status() {
            BacktraceStatus::Captured => format!("\n{backtrace}"),
            _ => String::new(),
        };
        crate::log::error!("Thread '{}' panicked at {place}{stack}", thread.name().unwrap_or("unnamed"));
        *NEWEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }));
}

/// What the newest panic was, once.
pub(super) fn take_newest() -> Option<String> {
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn place_and_message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(a panic without a message)");
    match info.location() {
        Some(place) => format!("{place}: {message}"),
        None => message.to_owned(),
    }
}
