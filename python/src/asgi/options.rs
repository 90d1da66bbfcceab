//! What can be chosen.

use crate::underscores::Underscores;
use rustcorn::Settings;
use rustcorn::settings::{AsgiLoop, Compression, Toggle};
use std::borrow::Cow;
use std::time::Duration;

/// How an ASGI application is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its loop is uvloop's, and a timer of the worker's may ring so much too late; none: asyncio's.
    pub uvloop: Option<Duration>,
    /// Whether it is told of its start and its end.
    pub lifespan: Toggle,
    /// How long its start may take; zero: for ever.
    pub startup_timeout: Duration,
    /// How long its end may take; zero: as long as the worker's.
    pub shutdown_timeout: Duration,
    /// The path under which it is mounted.
    pub root_path: String,
    /// What becomes of header fields with an underscore in their name.
    pub underscores: Underscores,
    /// How long after its client's leave the task of a request is cancelled; none: never.
    pub disconnect_grace: Option<Duration>,
    /// Whether the kernel may send files.
    pub sendfile: bool,
    /// The largest message of a WebSocket; zero: any size.
    pub ws_max_size: usize,
    /// So many messages of one wait for the application.
    pub ws_max_queue: usize,
    /// How often a WebSocket client is asked for a sign of life; zero: never.
    pub ws_ping_interval: Duration,
    /// How long it may take to give that; zero: for ever.
    pub ws_ping_timeout: Duration,
    /// Whether messages of WebSockets are compressed if the client can.
    pub ws_per_message_deflate: bool,
}

impl Options {
    /// A request's path with the root path, as ASGI has it. A proxy may have left it there.
    pub(super) fn under_root<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let root = self.root_path.as_str();
        let is_under = |rest: &str| rest.is_empty() || rest.starts_with('/');
        // `*` is no path.
        if root.is_empty() || !path.starts_with('/') || path.strip_prefix(root).is_some_and(is_under) {
            return Cow::Borrowed(path);
        }
        Cow::Owned(format!("{root}{path}"))
    }

    /// As the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            uvloop: (settings.asgi_loop == AsgiLoop::Uvloop).then(|| lateness(settings.timeout)),
            lifespan: settings.asgi_lifespan,
            startup_timeout: settings.boot_timeout,
            shutdown_timeout: settings.lifespan_timeout,
            root_path: settings.root_path.trim_end_matches('/').to_owned(),
            underscores: Underscores::of(settings),
            disconnect_grace: Some(settings.asgi_disconnect_grace_period),
            sendfile: settings.sendfile,
            ws_max_size: usize::try_from(settings.websocket_max_message_size).unwrap_or(usize::MAX),
            ws_max_queue: settings.ws_max_queue,
            ws_ping_interval: settings.ws_ping_interval,
            ws_ping_timeout: settings.ws_ping_timeout,
            ws_per_message_deflate: settings.ws_per_message_deflate == Compression::On,
        }
    }
}

/// The worker's heart beats four times within the arbiter's patience: in time, whatever that is.
fn lateness(timeout: Duration) -> Duration {
    const LONGEST: Duration = Duration::from_millis(100);
    if timeout.is_zero() { LONGEST } else { (timeout / 8).min(LONGEST) }
}
