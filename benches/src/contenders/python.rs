//! The servers of Python applications, a row each: all from the virtual environment that `make bench` makes, each with the
//! loop and the parser that make it fastest, no access log, and connections that stay as long as their clients want.

use super::{Server, Unit};
use crate::process::Ready;

/// What is installed there, with its versions.
pub const PEERS: &str = include_str!("../../peers/requirements.txt");

/// A row. What the processes of these servers are is their own affair: all of them are measured.
const fn row(name: &'static str, program: &'static [&'static str], args: &'static [&'static str]) -> Server {
    Server { name, program, args, files: &[], ready: Ready::Answers, unit: Unit::Family, version: None }
}

const GUNICORN: &[&str] = &["{target}/bench-tools/venv/bin/gunicorn"];
const GRANIAN: &[&str] = &["{target}/bench-tools/venv/bin/granian"];
const RUSTCORN: &[&str] = &["{target}/bench-tools/venv/bin/rustcorn"];

/// The package of this workspace.
pub const RUSTCORN_PYTHON: Server = row(
    "rustcorn",
    RUSTCORN,
    &["{app}", "--bind", "127.0.0.1:{port}", "--workers", "{workers}", "--keep-alive", "75", "{more}"],
);

/// The same with a pool of threads for WSGI.
pub const RUSTCORN_THREADS: Server = row(
    "rustcorn 4 threads",
    RUSTCORN,
    &[
        "{app}",
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "{workers}",
        "--keep-alive",
        "75",
        "--threads",
        "4",
        "{more}",
    ],
);

/// Granian with uvloop.
pub const GRANIAN_ASGI: Server = row(
    "granian",
    GRANIAN,
    &[
        "{app}",
        "--interface",
        "asgi",
        "--loop",
        "uvloop",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--workers",
        "{workers}",
        "{more}",
    ],
);

/// Granian for WSGI.
pub const GRANIAN_WSGI: Server = row(
    "granian",
    GRANIAN,
    &["{app}", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}", "{more}"],
);

/// uvicorn with uvloop and httptools.
pub const UVICORN: Server = row(
    "uvicorn",
    &["{target}/bench-tools/venv/bin/uvicorn"],
    &[
        "{app}",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--workers",
        "{workers}",
        "--timeout-keep-alive",
        "75",
        "{more}",
    ],
);

/// What most people run: uvicorn in Gunicorn's processes. Its worker takes uvloop and httptools by itself.
pub const GUNICORN_UVICORN: Server = row(
    "gunicorn uvicorn worker",
    GUNICORN,
    &[
        "{app}",
        "--worker-class",
        "uvicorn_worker.UvicornWorker",
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "{workers}",
        "--keep-alive",
        "75",
        "--no-control-socket",
        "{more}",
    ],
);

/// Gunicorn's own worker for ASGI, with its parser in C.
pub const GUNICORN_ASGI: Server = row(
    "gunicorn asgi",
    GUNICORN,
    &[
        "{app}",
        "--worker-class",
        "asgi",
        "--asgi-loop",
        "uvloop",
        "--http-parser",
        "fast",
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "{workers}",
        "--keep-alive",
        "75",
        "--no-control-socket",
        "{more}",
    ],
);

/// Gunicorn's default: one request at a time, one request for each connection.
pub const GUNICORN_SYNC: Server = row(
    "gunicorn sync",
    GUNICORN,
    &["{app}", "--bind", "127.0.0.1:{port}", "--workers", "{workers}", "--no-control-socket", "{more}"],
);

/// Gunicorn with a pool of threads.
pub const GUNICORN_GTHREAD: Server = row(
    "gunicorn gthread 4 threads",
    GUNICORN,
    &[
        "{app}",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "{workers}",
        "--keep-alive",
        "75",
        "--no-control-socket",
        "{more}",
    ],
);

/// Hypercorn with uvloop.
pub const HYPERCORN: Server = row(
    "hypercorn",
    &["{target}/bench-tools/venv/bin/hypercorn"],
    &[
        "{app}",
        "--worker-class",
        "uvloop",
        "--bind",
        "127.0.0.1:{port}",
        "--workers",
        "{workers}",
        "--keep-alive",
        "75",
        "{more}",
    ],
);
