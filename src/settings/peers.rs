//! Every setting of Gunicorn and every option of uvicorn, and what becomes of it here. What rustcorn has under the same name
//! needs no word; this is about the rest.

pub use super::gunicorn::GUNICORN;
use super::gunicorn::{self, Verdict};
use super::options::OPTIONS;
use super::spec::{OptionSpec, Section};

/// What becomes of somebody else's option.
#[derive(Debug)]
pub enum Fate {
    /// It is this option; where it is not quite the same, how it differs.
    Ours(&'static OptionSpec, Option<&'static str>),
    /// It is accepted with a warning, and does nothing; why.
    NoEffect(String),
    /// There is no such flag; in a settings file of Gunicorn's it is accepted with a warning; why.
    Ignored(&'static str),
    /// It is a function in the settings file, and is called; where it is not quite the same, how it differs.
    Hook(Option<&'static str>),
    /// It is refused; what to do instead.
    Refused(&'static str),
    /// It is reached otherwise.
    Otherwise(&'static str),
}

/// uvicorn's options in its own order, without their dashes.
#[rustfmt::skip]
pub const UVICORN: &[&str] = &[
    "host", "port", "uds", "fd", "reload", "reload-dir", "reload-include", "reload-exclude", "reload-delay", "workers",
    "loop", "http", "http2", "ws", "ws-max-size", "ws-max-queue", "ws-ping-interval", "ws-ping-timeout",
    "ws-per-message-deflate", "lifespan", "interface", "env-file", "log-config", "log-level", "access-log", "use-colors",
    "proxy-headers", "server-header", "date-header", "forwarded-allow-ips", "root-path", "limit-concurrency", "backlog",
    "limit-max-requests", "limit-max-requests-jitter", "timeout-keep-alive", "timeout-graceful-shutdown",
    "timeout-worker-healthcheck", "ssl-keyfile", "ssl-certfile", "ssl-keyfile-password", "ssl-version", "ssl-cert-reqs",
    "ssl-ca-certs", "ssl-ciphers", "header", "version", "app-dir", "h11-max-incomplete-event-size", "reset-contextvars",
    "factory",
];

/// How ours differ from theirs of the same name, by our key; or by a hook's name.
const DIFFERENT: &[(&str, &str)] = &[
    ("config", "its format is TOML, and Gunicorn's own with Python inside"),
    ("worker_class", "asgi or wsgi under all their names; what needs gevent, eventlet or Tornado is refused"),
    ("threads", "for WSGI the size of the pool of threads; ASGI applications have one thread"),
    ("worker_connections", "of every kind of worker"),
    ("max_requests", "the successor is ready before the old worker leaves"),
    ("timeout", "a worker's event loop may stand still so long; a request that waits may take longer"),
    ("graceful_timeout", "it limits the end of old workers after a reload too"),
    ("reload", "a change that cannot be imported keeps the old workers"),
    ("preload_app", "a reload takes new code all the same"),
    ("daemon", "the command returns when the service is ready, or with the code of its failure"),
    ("http2_cleartext", "prior knowledge is the default, an upgrade from HTTP/1.1 is not made"),
    ("ciphers", "suites by name; OpenSSL's groups (HIGH, !MD5) are not known"),
    (
        "asgi_loop",
        "asyncio's unless uvloop is demanded: the worker's own loop runs inside of asyncio's, which makes a request cheaper",
    ),
    ("ssl_keyfile_password", "keys in PKCS#8; OpenSSL's older form is refused with the command that writes it anew"),
    (
        "ssl_context",
        "in the arbiter, at the start and at reloads: rustls does what the context is set to, and what it cannot do \
         (sni_callback, revocation lists) is refused",
    ),
    ("limit_concurrency", "requests are counted, not connections"),
];

/// What becomes of this setting of Gunicorn's; none: nobody has said it.
#[must_use]
pub fn of_gunicorn(name: &str) -> Option<Fate> {
    Some(match gunicorn::verdict(name)? {
        Verdict::Same => ours(super::spec(name)?),
        Verdict::Under(key) => ours(super::spec(key)?),
        Verdict::NoEffect(why) => Fate::Ignored(why),
        Verdict::Refused(why) => Fate::Refused(why),
        Verdict::Python => Fate::Otherwise("as in Gunicorn, in a gunicorn.conf.py"),
        Verdict::Hook => Fate::Hook(different(name)),
    })
}

/// What becomes of this option of uvicorn's, without its dashes; none: nobody has said it.
#[must_use]
pub fn of_uvicorn(flag: &str) -> Option<Fate> {
    let same = |spec: &&OptionSpec| !spec.positional && (spec.long_flag() == flag || spec.aliases.contains(&flag));
    if let Some(spec) = OPTIONS.iter().find(same) {
        return Some(ours(spec));
    }
    Some(match flag {
        "http2" => Fate::Otherwise("HTTP/2 is spoken where the client asks for it; see http_protocols"),
        "version" => Fate::Otherwise("--version"),
        _ => return None,
    })
}

/// What becomes of this flag of theirs, if it is one of theirs and none of ours: whose it is, and its fate.
#[must_use]
pub fn of_flag(flag: &str) -> Option<(&'static str, Fate)> {
    let is_theirs = |(_, flags, _): &&(&str, &str, Verdict)| flags.split_whitespace().any(|theirs| theirs == flag);
    if let Some((name, ..)) = GUNICORN.iter().find(is_theirs) {
        return Some(("Gunicorn", of_gunicorn(name)?));
    }
    let name = UVICORN.iter().find(|name| flag.strip_prefix("--") == Some(**name))?;
    Some(("uvicorn", of_uvicorn(name)?))
}

fn ours(spec: &'static OptionSpec) -> Fate {
    match spec.help().strip_prefix("Has no effect: ") {
        Some(why) if spec.section == Section::Spellings => Fate::NoEffect(why.to_owned()),
        _ => Fate::Ours(spec, different(spec.key)),
    }
}

fn different(key: &str) -> Option<&'static str> {
    DIFFERENT.iter().find(|(other, _)| *other == key).map(|(_, how)| *how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_theirs_has_a_fate() {
        let silent = GUNICORN.iter().map(|(name, ..)| *name).filter(|name| of_gunicorn(name).is_none());
        let silent: Vec<&str> =
            silent.chain(UVICORN.iter().copied().filter(|flag| of_uvicorn(flag).is_none())).collect();
        assert!(silent.is_empty(), "nobody says what becomes of {silent:?}");
    }

    #[test]
    fn what_is_the_same_is_reached_by_their_flags() {
        for (name, flags, _) in GUNICORN {
            let Some(Fate::Ours(spec, _)) = of_gunicorn(name) else { continue };
            for flag in flags.split_whitespace() {
                let known = match flag.strip_prefix("--") {
                    Some(long) => {
                        spec.long_flag() == long
                            || spec.aliases.contains(&long)
                            || spec.no_flag().is_some_and(|no| no == long)
                    }
                    None => spec.short.is_some_and(|short| flag == format!("-{short}")),
                };
                assert!(known, "{name}: {flag}");
            }
        }
    }
}
