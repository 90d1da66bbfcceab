//! What the Python applications are asked, and who serves them. The applications are in peers/python.

use crate::contenders::{
    Entry, GRANIAN_ASGI, GRANIAN_WSGI, GUNICORN_ASGI, GUNICORN_GTHREAD, GUNICORN_SYNC, GUNICORN_UVICORN, HYPERCORN,
    RUSTCORN_PYTHON, RUSTCORN_THREADS, Server, UVICORN,
};
use crate::load::Shape;

/// 10 KB.
const BODY: usize = 10 * 1024;

/// The bytes of a WebSocket's message.
const MESSAGE: usize = 100;

/// Something that is asked of an application.
pub struct Workload {
    /// Its name in the files.
    pub key: &'static str,
    /// What it is, for readers.
    pub title: &'static str,
    /// What is sent.
    pub shape: Shape,
}

/// An application and what it is asked.
pub struct App {
    /// As servers call it.
    pub spec: &'static str,
    /// Each is measured in the same processes, one after the other.
    pub workloads: &'static [Workload],
    /// Who serves it; the first is the one that the others are compared with.
    pub servers: &'static [&'static Server],
}

impl App {
    /// Those who take part with so many workers.
    pub fn entries(&self, workers: usize) -> Vec<Entry> {
        self.servers.iter().map(|server| server.with(workers).serving(self.spec)).collect()
    }
}

const ASGI_SERVERS: &[&Server] =
    &[&RUSTCORN_PYTHON, &GRANIAN_ASGI, &UVICORN, &GUNICORN_UVICORN, &GUNICORN_ASGI, &HYPERCORN];
const WSGI_SERVERS: &[&Server] =
    &[&RUSTCORN_PYTHON, &RUSTCORN_THREADS, &GRANIAN_WSGI, &GUNICORN_SYNC, &GUNICORN_GTHREAD];

const fn workload(key: &'static str, title: &'static str, shape: Shape) -> Workload {
    Workload { key, title, shape }
}

const RAW_ASGI: Workload = workload("raw", "Raw ASGI: 14 bytes.", Shape::KeepAlive);
const FASTAPI: Workload = workload("fastapi", "FastAPI: its first example.", Shape::KeepAlive);

/// ASGI.
pub const ASGI: &[App] = &[
    App {
        spec: "raw_asgi:app",
        workloads: &[
            RAW_ASGI,
            workload("varied", "Raw ASGI: 14 bytes for requests that all differ.", Shape::Varied("/")),
            workload("post", "Raw ASGI: a POST of 10 KB, sent back.", Shape::Post("/echo", BODY)),
            workload("stream", "Raw ASGI: a streamed answer, 10 blocks of 1 KB.", Shape::Get("/stream")),
            workload("websocket", "Raw ASGI: WebSockets, messages of 100 bytes sent back.", Shape::Echo("/", MESSAGE)),
        ],
        servers: ASGI_SERVERS,
    },
    App {
        spec: "fastapi_hello:app",
        workloads: &[FASTAPI, workload("wait", "FastAPI: a handler that waits for 10 ms.", Shape::Get("/wait"))],
        servers: ASGI_SERVERS,
    },
];

/// WSGI.
pub const WSGI: &[App] = &[
    App {
        spec: "raw_wsgi:app",
        workloads: &[
            workload("raw-wsgi", "Raw WSGI: 14 bytes.", Shape::KeepAlive),
            workload("varied-wsgi", "Raw WSGI: 14 bytes for requests that all differ.", Shape::Varied("/")),
        ],
        servers: WSGI_SERVERS,
    },
    App {
        spec: "flask_hello:app",
        workloads: &[workload("flask", "Flask: its first example.", Shape::KeepAlive)],
        servers: WSGI_SERVERS,
    },
    App {
        spec: "django_hello:app",
        workloads: &[workload("django", "Django: one view.", Shape::KeepAlive)],
        servers: WSGI_SERVERS,
    },
];

/// What one client alone waits for.
pub const ALONE: &[App] = &[
    App {
        spec: "raw_asgi:app",
        workloads: &[RAW_ASGI],
        servers: &[&RUSTCORN_PYTHON, &GRANIAN_ASGI, &UVICORN, &GUNICORN_UVICORN],
    },
    App {
        spec: "fastapi_hello:app",
        workloads: &[FASTAPI],
        servers: &[&RUSTCORN_PYTHON, &GRANIAN_ASGI, &UVICORN, &GUNICORN_UVICORN],
    },
];
