//! From settings to what the supervisor has to know, and words for operators.

use crate::settings::Settings;
use crate::supervisor::Terms;
use std::time::Duration;

/// What the supervisor has to know.
pub fn terms(settings: &Settings, builds: bool) -> Terms {
    let surge = if settings.reload_surge == 0 { settings.workers } else { settings.reload_surge };
    Terms {
        workers: settings.workers,
        surge: surge.max(1),
        timeout: settings.timeout,
        graceful_timeout: settings.graceful_timeout,
        boot_timeout: settings.boot_timeout,
        reload_delay: settings.reload_delay,
        build_on_change: builds,
    }
}

/// The name that process titles and the status line show.
pub fn app_name(settings: &Settings) -> String {
    let app = settings.proc_name.clone().or_else(|| settings.app.clone());
    app.unwrap_or_else(|| "linked application".to_owned())
}

/// A time as operators read it.
pub fn seconds(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.0} s") }
}
