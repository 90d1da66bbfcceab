//! Gunicorn's settings that rustcorn has no option for: what becomes of them in a gunicorn.conf.py.

/// What becomes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that anybody would notice; the reason.
    NoEffect(&'static str),
    /// It would be missed; what to do instead.
    Refused(&'static str),
    /// It is read where Python is.
    Python,
}

const LENIENT: &str = "it would let requests through that are understood in several ways; leave it out";
const STATSD: &str = "statsd is not spoken; leave it out";
const DIRTY: &str = "there is no pool of side processes; leave it out";
const UWSGI: &str = "the uwsgi protocol is not spoken; have the proxy speak HTTP";

/// What becomes of the setting of this name; none: Gunicorn has no such setting, or rustcorn has it too.
pub fn verdict(name: &str) -> Option<Verdict> {
    use Verdict::{NoEffect, Python, Refused};
    Some(match name {
        "logconfig_dict" => Python,
        "default_proc_name" => NoEffect("see proc_name"),
        "websocket_compression" => NoEffect("see ws_per_message_deflate"),
        "uwsgi_allow_ips" => NoEffect("the uwsgi protocol is not spoken"),
        "raw_paste_global_conf" => NoEffect("PasteDeploy is not used"),
        "paste" => Refused("name the application itself, `shop:app`"),
        "spew" => Refused("use a debugger; slow_request finds what is stuck"),
        "logger_class" => Refused("see log_format, logconfig and access_log_format"),
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
