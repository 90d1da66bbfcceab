//! Gunicorn's settings that rustcorn has no option for: what becomes of them in a gunicorn.conf.py.

/// What becomes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that anybody would notice; the reason.
    NoEffect(&'static str),
    /// It would be missed; the rest of a sentence that begins with its name.
    Refused(&'static str),
    /// It is read where Python is.
    Python,
}

const LENIENT: &str =
    "would let requests through that are understood in several ways, which rustcorn never does; leave it out";
const STATSD: &str = "asks for statsd, which rustcorn does not speak; leave it out";
const DIRTY: &str = "asks for Gunicorn's pool of side processes, which rustcorn does not have; leave it out";
const UWSGI: &str = "asks for the uwsgi protocol, which rustcorn does not speak; have the proxy speak HTTP";

/// What becomes of the setting of this name; none: Gunicorn has no such setting, or rustcorn has it too.
pub fn verdict(name: &str) -> Option<Verdict> {
    use Verdict::{NoEffect, Python, Refused};
    Some(match name {
        "logconfig_dict" => Python,
        "default_proc_name" => NoEffect("see proc_name"),
        "websocket_compression" => NoEffect("see ws_per_message_deflate"),
        "uwsgi_allow_ips" => NoEffect("the uwsgi protocol is not spoken"),
        "raw_paste_global_conf" => NoEffect("PasteDeploy is not used"),
        "paste" => Refused("asks for PasteDeploy; name the application itself, as in wsgi_app = \"shop:app\""),
        "spew" => Refused("traces every line of Python; use a debugger, and slow_request for stuck requests"),
        "logger_class" => Refused("names a logger of Gunicorn's; use log_format, logconfig_dict or access_log_format"),
        "statsd_host" | "enable_backlog_metric" => Refused(STATSD),
        "statsd_prefix" | "dogstatsd_tags" => NoEffect("statsd is not spoken"),
        "permit_obsolete_folding"
        | "strip_header_spaces"
        | "permit_unconventional_http_method"
        | "permit_unconventional_http_version"
        | "casefold_http_method" => Refused(LENIENT),
        "protocol" => Refused(UWSGI),
        "dirty_apps" | "dirty_workers" => Refused(DIRTY),
        "dirty_timeout" | "dirty_threads" | "dirty_graceful_timeout" => NoEffect("there are no side processes"),
        _ => return None,
    })
}
