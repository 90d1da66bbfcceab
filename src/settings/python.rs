//! What `worker_class` and `interface` mean, in Gunicorn's and uvicorn's words.

use super::check::Conflict;
use super::error::quoted;
use super::field::Interface;
use super::options::Settings;
use super::resolve::Resolved;

/// What kind of application a worker class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerClass {
    /// `app(scope, receive, send)` or its older form.
    Asgi,
    /// `app(environ, start_response)`.
    Wsgi,
}

/// What a Python application is called with, as far as the settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The application is looked at.
    Unknown,
    /// One of ASGI's; which, the application is looked at for.
    Asgi,
    /// `app(scope, receive, send)`.
    Asgi3,
    /// `app(scope)(receive, send)`.
    Asgi2,
    /// `app(environ, start_response)`.
    Wsgi,
}

const ASGI: [&str; 10] = [
    "asgi",
    "uvicorn",
    "uvicorn.workers.UvicornWorker",
    "uvicorn.workers.UvicornH11Worker",
    "uvicorn_worker.UvicornWorker",
    "uvicorn_worker.UvicornH11Worker",
    "gunicorn.workers.gasgi.ASGIWorker",
    "hypercorn.workers.HypercornAsyncioWorker",
    "asgi3",
    "asgi2",
];

const WSGI: [&str; 5] =
    ["wsgi", "sync", "gthread", "gunicorn.workers.sync.SyncWorker", "gunicorn.workers.gthread.ThreadWorker"];

/// What the worker class of this name stands for.
///
/// # Errors
/// The end of a sentence that begins with the option: why it is not known, and what to do.
pub fn worker_class(name: &str) -> Result<WorkerClass, String> {
    let plain = name.strip_prefix("egg:gunicorn#").unwrap_or(name);
    if ASGI.contains(&plain) {
        return Ok(WorkerClass::Asgi);
    }
    if WSGI.contains(&plain) {
        return Ok(WorkerClass::Wsgi);
    }
    let name = quoted(name);
    let lower = plain.to_ascii_lowercase();
    let refused = if lower.contains("gevent") || lower.contains("eventlet") {
        format!(
            "{name} patches Python for green threads, which rustcorn's workers do not run on; leave it out and set \
             threads to as many requests as a worker shall work on at a time"
        )
    } else if lower.contains("tornado") {
        format!("{name} serves Tornado's own applications, which are neither ASGI nor WSGI; run them with Tornado")
    } else if lower.contains("aiohttp") {
        format!("{name} serves aiohttp's own applications, which are neither ASGI nor WSGI; run them with aiohttp")
    } else if plain.contains('.') {
        format!(
            "{name} is another program's worker, and rustcorn has its own; leave it out, or write asgi or wsgi if the \
             application's kind is not found out"
        )
    } else {
        format!("{name} is not known; write asgi or wsgi, or leave it out: the application is looked at")
    };
    Err(refused)
}

impl Settings {
    /// What the settings say of the application's interface.
    #[must_use]
    pub fn python_protocol(&self) -> Protocol {
        let class = self.worker_class.as_deref().and_then(|name| worker_class(name).ok());
        match (self.interface, class) {
            (Interface::Asgi3, _) => Protocol::Asgi3,
            (Interface::Asgi2, _) => Protocol::Asgi2,
            (Interface::Wsgi, _) | (Interface::Auto, Some(WorkerClass::Wsgi)) => Protocol::Wsgi,
            (Interface::Auto, Some(WorkerClass::Asgi)) => match self.worker_class.as_deref() {
                Some("asgi2") => Protocol::Asgi2,
                Some("asgi3") => Protocol::Asgi3,
                _ => Protocol::Asgi,
            },
            (Interface::Auto, None) => Protocol::Unknown,
        }
    }
}

/// Whether the settings speak of a Python application, whatever it is called.
#[must_use]
pub fn is_python(settings: &Settings) -> bool {
    settings.worker_class.is_some() || settings.interface != Interface::Auto || settings.factory
}

/// What cannot work together.
pub fn conflicts(resolved: &Resolved, conflict: &mut Conflict<'_>) {
    let settings = &resolved.settings;
    let Some(name) = &settings.worker_class else { return };
    let from = resolved.origin("worker_class");
    let class = match worker_class(name) {
        Ok(class) => class,
        Err(why) => return conflict("worker_class", format!("{why} ({from})")),
    };
    let fits = match settings.interface {
        Interface::Auto => true,
        Interface::Wsgi => class == WorkerClass::Wsgi,
        Interface::Asgi2 | Interface::Asgi3 => class == WorkerClass::Asgi,
    };
    if !fits {
        let other = resolved.origin("interface");
        conflict("worker_class", format!("{name} ({from}) contradicts interface ({other}); leave one of them out"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_gunicorn_and_uvicorn_are_known() {
        for name in ["asgi", "uvicorn.workers.UvicornWorker", "uvicorn_worker.UvicornWorker", "egg:gunicorn#asgi"] {
            assert_eq!(worker_class(name), Ok(WorkerClass::Asgi), "{name}");
        }
        for name in ["sync", "gthread", "gunicorn.workers.sync.SyncWorker", "egg:gunicorn#sync"] {
            assert_eq!(worker_class(name), Ok(WorkerClass::Wsgi), "{name}");
        }
    }

    #[test]
    fn others_are_refused_with_what_to_do() {
        for (name, advice) in [
            ("gevent", "set threads"),
            ("gunicorn.workers.ggevent.GeventWorker", "set threads"),
            ("eventlet", "set threads"),
            ("tornado", "with Tornado"),
            ("my.own.Worker", "leave it out"),
            ("asnyc", "write asgi or wsgi"),
        ] {
            let why = worker_class(name).unwrap_err();
            assert!(why.contains(name) && why.contains(advice), "{why}");
        }
    }

    #[test]
    fn the_interface_outranks_the_class() {
        let of = |class: Option<&str>, interface| {
            Settings { worker_class: class.map(str::to_owned), interface, ..Settings::default() }.python_protocol()
        };
        assert_eq!(of(None, Interface::Auto), Protocol::Unknown);
        assert_eq!(of(Some("uvicorn.workers.UvicornWorker"), Interface::Auto), Protocol::Asgi);
        assert_eq!(of(Some("asgi"), Interface::Asgi2), Protocol::Asgi2);
        assert_eq!(of(Some("gthread"), Interface::Auto), Protocol::Wsgi);
    }
}
