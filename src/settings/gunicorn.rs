//! Every setting of Gunicorn: its flags there, and what becomes of it here.

/// What becomes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an option of the same name.
    Same,
    /// There is an option of this name.
    Under(&'static str),
    /// Nothing that anybody would notice; the reason.
    NoEffect(&'static str),
    /// It would be missed; what to do instead.
    Refused(&'static str),
    /// It is read where Python is.
    Python,
    /// It is a function, and is called.
    Hook,
}

use Verdict::{Hook, NoEffect, Python, Refused, Same, Under};

const LENIENT: &str = "it would let requests through that are understood in several ways; leave it out";
const STATSD: &str = "statsd is not spoken; leave it out";
const NO_STATSD: &str = "statsd is not spoken";
const DIRTY: &str = "there is no pool of side processes; leave it out";
const NO_DIRTY: &str = "there are no side processes";
const UWSGI: &str = "the uwsgi protocol is not spoken; have the proxy speak HTTP";

/// Gunicorn's settings in its own order: name, flags, verdict.
#[rustfmt::skip]
pub const GUNICORN: &[(&str, &str, Verdict)] = &[
    ("config", "-c --config", Same),
    ("wsgi_app", "", Under("app")),
    ("bind", "-b --bind", Same),
    ("backlog", "--backlog", Same),
    ("workers", "-w --workers", Same),
    ("worker_class", "-k --worker-class", Same),
    ("threads", "--threads", Same),
    ("worker_connections", "--worker-connections", Same),
    ("max_requests", "--max-requests", Same),
    ("max_requests_jitter", "--max-requests-jitter", Same),
    ("timeout", "-t --timeout", Same),
    ("graceful_timeout", "--graceful-timeout", Same),
    ("keepalive", "--keep-alive", Same),
    ("limit_request_line", "--limit-request-line", Same),
    ("limit_request_fields", "--limit-request-fields", Same),
    ("limit_request_field_size", "--limit-request-field_size", Same),
    ("reload", "--reload", Same),
    ("reload_engine", "--reload-engine", Same),
    ("reload_extra_files", "--reload-extra-file", Same),
    ("spew", "--spew", Refused("use a debugger; slow_request finds what is stuck")),
    ("check_config", "--check-config", Same),
    ("print_config", "--print-config", Same),
    ("preload_app", "--preload", Same),
    ("sendfile", "--no-sendfile", Same),
    ("reuse_port", "--reuse-port", Same),
    ("chdir", "--chdir", Same),
    ("daemon", "-D --daemon", Same),
    ("raw_env", "-e --env", Same),
    ("pidfile", "-p --pid", Same),
    ("worker_tmp_dir", "--worker-tmp-dir", Same),
    ("user", "-u --user", Same),
    ("group", "-g --group", Same),
    ("umask", "-m --umask", Same),
    ("initgroups", "--initgroups", Same),
    ("tmp_upload_dir", "", Same),
    ("secure_scheme_headers", "", Same),
    ("forwarded_allow_ips", "--forwarded-allow-ips", Same),
    ("accesslog", "--access-logfile", Same),
    ("disable_redirect_access_to_syslog", "--disable-redirect-access-to-syslog", Same),
    ("access_log_format", "--access-logformat", Same),
    ("errorlog", "--error-logfile --log-file", Same),
    ("loglevel", "--log-level", Same),
    ("capture_output", "--capture-output", Same),
    ("logger_class", "--logger-class", Refused("see log_format, logconfig and access_log_format")),
    ("logconfig", "--log-config", Same),
    ("logconfig_dict", "", Python),
    ("logconfig_json", "--log-config-json", Same),
    ("syslog_addr", "--log-syslog-to", Same),
    ("syslog", "--log-syslog", Same),
    ("syslog_prefix", "--log-syslog-prefix", Same),
    ("syslog_facility", "--log-syslog-facility", Same),
    ("enable_stdio_inheritance", "-R --enable-stdio-inheritance", Same),
    ("statsd_host", "--statsd-host", Refused(STATSD)),
    ("dogstatsd_tags", "--dogstatsd-tags", NoEffect(NO_STATSD)),
    ("statsd_prefix", "--statsd-prefix", NoEffect(NO_STATSD)),
    ("enable_backlog_metric", "--enable-backlog-metric", Refused(STATSD)),
    ("proc_name", "-n --name", Same),
    ("default_proc_name", "", NoEffect("see proc_name")),
    ("pythonpath", "--pythonpath", Same),
    ("paste", "--paste --paster", Refused("name the application itself, `shop:app`")),
    ("on_starting", "", Hook),
    ("on_reload", "", Hook),
    ("when_ready", "", Hook),
    ("pre_fork", "", Hook),
    ("post_fork", "", Hook),
    ("post_worker_init", "", Hook),
    ("worker_int", "", Hook),
    ("worker_abort", "", Hook),
    ("pre_exec", "", Hook),
    ("pre_request", "", Hook),
    ("post_request", "", Hook),
    ("child_exit", "", Hook),
    ("worker_exit", "", Hook),
    ("nworkers_changed", "", Hook),
    ("on_exit", "", Hook),
    ("ssl_context", "", Hook),
    ("proxy_protocol", "--proxy-protocol", Same),
    ("proxy_allow_ips", "--proxy-allow-from", Same),
    ("protocol", "--protocol", Refused(UWSGI)),
    ("uwsgi_allow_ips", "--uwsgi-allow-from", NoEffect("the uwsgi protocol is not spoken")),
    ("keyfile", "--keyfile", Same),
    ("certfile", "--certfile", Same),
    ("ssl_version", "--ssl-version", Same),
    ("cert_reqs", "--cert-reqs", Same),
    ("ca_certs", "--ca-certs", Same),
    ("suppress_ragged_eofs", "--suppress-ragged-eofs", Same),
    ("do_handshake_on_connect", "--do-handshake-on-connect", Same),
    ("ciphers", "--ciphers", Same),
    ("http_protocols", "--http-protocols", Same),
    ("http2_cleartext", "--http2-cleartext", Same),
    ("http2_max_concurrent_streams", "--http2-max-concurrent-streams", Same),
    ("http2_initial_window_size", "--http2-initial-window-size", Same),
    ("http2_max_frame_size", "--http2-max-frame-size", Same),
    ("http2_max_header_list_size", "--http2-max-header-list-size", Same),
    ("raw_paste_global_conf", "--paste-global", NoEffect("PasteDeploy is not used")),
    ("permit_obsolete_folding", "--permit-obsolete-folding", Refused(LENIENT)),
    ("strip_header_spaces", "--strip-header-spaces", Refused(LENIENT)),
    ("permit_unconventional_http_method", "--permit-unconventional-http-method", Refused(LENIENT)),
    ("permit_unconventional_http_version", "--permit-unconventional-http-version", Refused(LENIENT)),
    ("casefold_http_method", "--casefold-http-method", Refused(LENIENT)),
    ("forwarder_headers", "--forwarder-headers", Same),
    ("header_map", "--header-map", Same),
    ("asgi_loop", "--asgi-loop", Same),
    ("asgi_lifespan", "--asgi-lifespan", Same),
    ("asgi_disconnect_grace_period", "--asgi-disconnect-grace-period", Same),
    ("websocket_max_message_size", "--websocket-max-message-size", Same),
    ("http_parser", "--http-parser", Same),
    ("root_path", "--root-path", Same),
    ("dirty_apps", "--dirty-app", Refused(DIRTY)),
    ("dirty_workers", "--dirty-workers", Refused(DIRTY)),
    ("dirty_timeout", "--dirty-timeout", NoEffect(NO_DIRTY)),
    ("dirty_threads", "--dirty-threads", NoEffect(NO_DIRTY)),
    ("dirty_graceful_timeout", "--dirty-graceful-timeout", NoEffect(NO_DIRTY)),
    ("on_dirty_starting", "", Refused(DIRTY)),
    ("dirty_post_fork", "", Refused(DIRTY)),
    ("dirty_worker_init", "", Refused(DIRTY)),
    ("dirty_worker_exit", "", Refused(DIRTY)),
    ("control_socket", "--control-socket", Same),
    ("control_socket_mode", "--control-socket-mode", Same),
    ("control_socket_disable", "--no-control-socket", Same),
];

/// What becomes of the setting of this name; none: Gunicorn has no such setting.
pub fn verdict(name: &str) -> Option<Verdict> {
    GUNICORN.iter().find(|(theirs, ..)| *theirs == name).map(|(.., verdict)| *verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::options::OPTIONS;

    #[test]
    fn verdicts_name_options_that_exist_and_leave_none_out() {
        for (name, _, verdict) in GUNICORN {
            let ours = |name: &str| OPTIONS.iter().any(|spec| spec.key == name);
            match verdict {
                Same => assert!(ours(name), "{name} is said to be an option"),
                Under(other) => assert!(ours(other) && !ours(name), "{name} is said to be {other}"),
                _ => assert!(!ours(name), "{name} is an option, and said to be {verdict:?}"),
            }
        }
    }
}
