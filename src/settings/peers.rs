//! Every setting of Gunicorn and every option of uvicorn, and what becomes of it here. What rustcorn has under the same name
//! needs no word; this is about the rest.

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
    /// It is a function in the settings file, and is called.
    Hook,
    /// It is refused; what to do instead.
    Refused(&'static str),
    /// It is reached otherwise.
    Otherwise(&'static str),
}

/// Gunicorn's settings in its own order, with its flags.
pub const GUNICORN: &[(&str, &str)] = &[
    ("config", "-c --config"),
    ("wsgi_app", ""),
    ("bind", "-b --bind"),
    ("backlog", "--backlog"),
    ("workers", "-w --workers"),
    ("worker_class", "-k --worker-class"),
    ("threads", "--threads"),
    ("worker_connections", "--worker-connections"),
    ("max_requests", "--max-requests"),
    ("max_requests_jitter", "--max-requests-jitter"),
    ("timeout", "-t --timeout"),
    ("graceful_timeout", "--graceful-timeout"),
    ("keepalive", "--keep-alive"),
    ("limit_request_line", "--limit-request-line"),
    ("limit_request_fields", "--limit-request-fields"),
    ("limit_request_field_size", "--limit-request-field_size"),
    ("reload", "--reload"),
    ("reload_engine", "--reload-engine"),
    ("reload_extra_files", "--reload-extra-file"),
    ("spew", "--spew"),
    ("check_config", "--check-config"),
    ("print_config", "--print-config"),
    ("preload_app", "--preload"),
    ("sendfile", "--no-sendfile"),
    ("reuse_port", "--reuse-port"),
    ("chdir", "--chdir"),
    ("daemon", "-D --daemon"),
    ("raw_env", "-e --env"),
    ("pidfile", "-p --pid"),
    ("worker_tmp_dir", "--worker-tmp-dir"),
    ("user", "-u --user"),
    ("group", "-g --group"),
    ("umask", "-m --umask"),
    ("initgroups", "--initgroups"),
    ("tmp_upload_dir", ""),
    ("secure_scheme_headers", ""),
    ("forwarded_allow_ips", "--forwarded-allow-ips"),
    ("accesslog", "--access-logfile"),
    ("disable_redirect_access_to_syslog", "--disable-redirect-access-to-syslog"),
    ("access_log_format", "--access-logformat"),
    ("errorlog", "--error-logfile --log-file"),
    ("loglevel", "--log-level"),
    ("capture_output", "--capture-output"),
    ("logger_class", "--logger-class"),
    ("logconfig", "--log-config"),
    ("logconfig_dict", ""),
    ("logconfig_json", "--log-config-json"),
    ("syslog_addr", "--log-syslog-to"),
    ("syslog", "--log-syslog"),
    ("syslog_prefix", "--log-syslog-prefix"),
    ("syslog_facility", "--log-syslog-facility"),
    ("enable_stdio_inheritance", "-R --enable-stdio-inheritance"),
    ("statsd_host", "--statsd-host"),
    ("dogstatsd_tags", "--dogstatsd-tags"),
    ("statsd_prefix", "--statsd-prefix"),
    ("enable_backlog_metric", "--enable-backlog-metric"),
    ("proc_name", "-n --name"),
    ("default_proc_name", ""),
    ("pythonpath", "--pythonpath"),
    ("paste", "--paste --paster"),
    ("on_starting", ""),
    ("on_reload", ""),
    ("when_ready", ""),
    ("pre_fork", ""),
    ("post_fork", ""),
    ("post_worker_init", ""),
    ("worker_int", ""),
    ("worker_abort", ""),
    ("pre_exec", ""),
    ("pre_request", ""),
    ("post_request", ""),
    ("child_exit", ""),
    ("worker_exit", ""),
    ("nworkers_changed", ""),
    ("on_exit", ""),
    ("ssl_context", ""),
    ("proxy_protocol", "--proxy-protocol"),
    ("proxy_allow_ips", "--proxy-allow-from"),
    ("protocol", "--protocol"),
    ("uwsgi_allow_ips", "--uwsgi-allow-from"),
    ("keyfile", "--keyfile"),
    ("certfile", "--certfile"),
    ("ssl_version", "--ssl-version"),
    ("cert_reqs", "--cert-reqs"),
    ("ca_certs", "--ca-certs"),
    ("suppress_ragged_eofs", "--suppress-ragged-eofs"),
    ("do_handshake_on_connect", "--do-handshake-on-connect"),
    ("ciphers", "--ciphers"),
    ("http_protocols", "--http-protocols"),
    ("http2_cleartext", "--http2-cleartext"),
    ("http2_max_concurrent_streams", "--http2-max-concurrent-streams"),
    ("http2_initial_window_size", "--http2-initial-window-size"),
    ("http2_max_frame_size", "--http2-max-frame-size"),
    ("http2_max_header_list_size", "--http2-max-header-list-size"),
    ("raw_paste_global_conf", "--paste-global"),
    ("permit_obsolete_folding", "--permit-obsolete-folding"),
    ("strip_header_spaces", "--strip-header-spaces"),
    ("permit_unconventional_http_method", "--permit-unconventional-http-method"),
    ("permit_unconventional_http_version", "--permit-unconventional-http-version"),
    ("casefold_http_method", "--casefold-http-method"),
    ("forwarder_headers", "--forwarder-headers"),
    ("header_map", "--header-map"),
    ("asgi_loop", "--asgi-loop"),
    ("asgi_lifespan", "--asgi-lifespan"),
    ("asgi_disconnect_grace_period", "--asgi-disconnect-grace-period"),
    ("websocket_max_message_size", "--websocket-max-message-size"),
    ("http_parser", "--http-parser"),
    ("root_path", "--root-path"),
    ("dirty_apps", "--dirty-app"),
    ("dirty_workers", "--dirty-workers"),
    ("dirty_timeout", "--dirty-timeout"),
    ("dirty_threads", "--dirty-threads"),
    ("dirty_graceful_timeout", "--dirty-graceful-timeout"),
    ("on_dirty_starting", ""),
    ("dirty_post_fork", ""),
    ("dirty_worker_init", ""),
    ("dirty_worker_exit", ""),
    ("control_socket", "--control-socket"),
    ("control_socket_mode", "--control-socket-mode"),
    ("control_socket_disable", "--no-control-socket"),
];

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

const DIRTY: &str = "there is no pool of side processes; leave it out";
const PASSWORD: &str =
    "keys with a password are not read; take it off with `openssl pkey -in KEYFILE -out FILE`, for root's eyes only";

/// How ours differ from theirs of the same name, by our key.
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
    ("asgi_loop", "asyncio in any case, in which the worker's own loop runs; uvloop is told in the log"),
    ("limit_concurrency", "requests are counted, not connections"),
];

/// What becomes of this setting of Gunicorn's; none: nobody has said it.
#[must_use]
pub fn of_gunicorn(name: &str) -> Option<Fate> {
    if let Some(spec) = OPTIONS.iter().find(|spec| spec.key == name) {
        return Some(ours(spec));
    }
    match gunicorn::verdict(name) {
        Some(Verdict::Python) => return Some(Fate::Otherwise("as in Gunicorn, in a gunicorn.conf.py")),
        Some(Verdict::NoEffect(why)) => return Some(Fate::Ignored(why)),
        Some(Verdict::Refused(why)) => return Some(Fate::Refused(why)),
        None => {}
    }
    Some(match name {
        "wsgi_app" => ours(super::spec("app")?),
        "on_starting" | "on_reload" | "when_ready" | "pre_fork" | "post_fork" | "post_worker_init" | "worker_int"
        | "worker_abort" | "pre_exec" | "pre_request" | "post_request" | "child_exit" | "worker_exit"
        | "nworkers_changed" | "on_exit" => Fate::Hook,
        "ssl_context" => {
            Fate::Refused("TLS is spoken by rustls, which takes no SSLContext; see certfile and its neighbours")
        }
        "on_dirty_starting" | "dirty_post_fork" | "dirty_worker_init" | "dirty_worker_exit" => Fate::Refused(DIRTY),
        _ => return None,
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
        "ssl-keyfile-password" => Fate::Refused(PASSWORD),
        "version" => Fate::Otherwise("--version"),
        _ => return None,
    })
}

/// What becomes of this flag of theirs, if it is one of theirs and none of ours: whose it is, and its fate.
#[must_use]
pub fn of_flag(flag: &str) -> Option<(&'static str, Fate)> {
    let is_theirs = |(_, flags): &&(&str, &str)| flags.split_whitespace().any(|theirs| theirs == flag);
    if let Some((name, _)) = GUNICORN.iter().find(is_theirs) {
        return Some(("Gunicorn", of_gunicorn(name)?));
    }
    let name = UVICORN.iter().find(|name| flag.strip_prefix("--") == Some(**name))?;
    Some(("uvicorn", of_uvicorn(name)?))
}

fn ours(spec: &'static OptionSpec) -> Fate {
    match spec.help().strip_prefix("Has no effect: ") {
        Some(why) if spec.section == Section::Spellings => Fate::NoEffect(why.to_owned()),
        _ => Fate::Ours(spec, DIFFERENT.iter().find(|(key, _)| *key == spec.key).map(|(_, how)| *how)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_theirs_has_a_fate() {
        let silent = GUNICORN.iter().map(|(name, _)| *name).filter(|name| of_gunicorn(name).is_none());
        let silent: Vec<&str> =
            silent.chain(UVICORN.iter().copied().filter(|flag| of_uvicorn(flag).is_none())).collect();
        assert!(silent.is_empty(), "nobody says what becomes of {silent:?}");
    }

    #[test]
    fn what_is_the_same_is_reached_by_their_flags() {
        for (name, flags) in GUNICORN {
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
