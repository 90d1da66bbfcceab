//! The servers, one row each. A new peer is a row here and a line in the measurements that it is to take part in.

use super::{Server, Unit};
use crate::process::Ready;

/// What rustcorn, Gunicorn and the peers of this program say when they have bound their socket.
const LISTENING: Ready = Ready::Says("Listening at: http://");

/// rustcorn with the hello library, loaded by name.
pub const RUSTCORN: Server = Server {
    name: "rustcorn",
    program: &["{rustcorn}"],
    args: &["{hello}:router", "--bind", "127.0.0.1:0", "--workers", "{workers}", "{more}"],
    files: &[],
    ready: LISTENING,
    unit: Unit::Worker,
    version: Some("--version"),
};

/// The hyper loop that one would write by hand: one process, one thread.
pub const BARE: Server = Server {
    name: "hyper by hand",
    program: &["{ourselves}"],
    args: &["peer", "bare"],
    files: &[],
    ready: LISTENING,
    unit: Unit::Thread,
    version: None,
};

/// `axum::serve` on a multi-threaded runtime.
pub const AXUM_SERVE: Server = Server {
    name: "axum::serve",
    program: &["{ourselves}"],
    args: &["peer", "axum-serve", "--threads", "{workers}"],
    files: &[],
    ready: LISTENING,
    unit: Unit::Thread,
    version: None,
};

/// nginx with `return 200`: no application at all. `make bench` fetches it if it is missing.
pub const NGINX: Server = Server {
    name: "nginx",
    program: &["nginx", "/usr/sbin/nginx", "{target}/bench-tools/usr/sbin/nginx"],
    args: &["-p", "{home}", "-c", "{home}/nginx.conf"],
    files: &[("nginx.conf", include_str!("../../peers/nginx.conf"))],
    ready: Ready::Answers,
    unit: Unit::Worker,
    version: Some("-v"),
};

/// Gunicorn with its default worker and an application that only tells its process id.
pub const GUNICORN: Server = Server {
    name: "gunicorn, sync",
    program: &["gunicorn", "{target}/bench-tools/venv/bin/gunicorn"],
    args: &["whoami:app", "--bind", "127.0.0.1:0", "--workers", "{workers}", "--chdir", "{peers}", "{more}"],
    files: &[],
    ready: LISTENING,
    unit: Unit::Worker,
    version: Some("--version"),
};
