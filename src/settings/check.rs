//! The checks that need more than one option: conflicts are errors that name both origins, waste is a warning.

use super::error::{Fault, Place, Problem, quoted};
use super::options::{AccessOutput, Settings};
use super::resolve::Resolved;
use super::{python, secure, spellings, syslog};
use std::time::Duration;

/// Takes a key and the sentence that says what is wrong with it.
pub(super) type Conflict<'a> = dyn FnMut(&'static str, String) + 'a;

/// What cannot work together.
pub fn conflicts(resolved: &Resolved) -> Vec<Problem> {
    let settings = &resolved.settings;
    let mut problems = Vec::new();
    let mut conflict = |key, message: String| {
        problems.push(Problem { place: Place::Key(key), fault: Fault::Conflict { message } });
    };
    let origin = |key| resolved.origin(key).to_string();
    if settings.pidfile.as_deref().is_some_and(|path| settings.log_path() == Some(path)) {
        let (pidfile, errorlog) = (origin("pidfile"), origin("errorlog"));
        let message =
            format!("names the same file as errorlog (pidfile: {pidfile}; errorlog: {errorlog}); give each its own");
        conflict("pidfile", message);
    }
    if let (Some(path), AccessOutput::File(access)) = (settings.pidfile.as_deref(), settings.access_output())
        && path == access
    {
        let (pidfile, accesslog) = (origin("pidfile"), origin("accesslog"));
        let message =
            format!("names the same file as accesslog (pidfile: {pidfile}; accesslog: {accesslog}); give each its own");
        conflict("pidfile", message);
    }
    if settings.syslog
        && let Err(why) = syslog::parse_address(&settings.syslog_addr)
    {
        conflict("syslog_addr", format!("{why} ({})", origin("syslog_addr")));
    }
    if settings.bind.is_empty() {
        conflict("bind", format!("the list is empty ({}); name at least one address", origin("bind")));
    }
    for (index, bind) in settings.bind.iter().enumerate() {
        // Port 0 is another port each time.
        let same = |other: &String| address(other) == address(bind);
        if !bind.ends_with(":0") && settings.bind.iter().skip(index + 1).any(same) {
            conflict("bind", format!("{bind} is listed twice ({}); name it once", origin("bind")));
        }
    }
    if let Some(name) = settings.request_id_header.as_deref().filter(|name| !may_hold_an_id(name)) {
        let origin = origin("request_id_header");
        let message = format!(
            "{} cannot be the name of a field with an id ({origin}); name a field of its own, as in X-Request-ID",
            quoted(name)
        );
        conflict("request_id_header", message);
    }
    for field in settings.header.iter().filter(|field| !may_be_added(field)) {
        let origin = origin("header");
        let message = format!("{} ({origin}) says how the response is sent, which is not yours to say", quoted(field));
        conflict("header", message);
    }
    secure::conflicts(resolved, &mut conflict);
    python::conflicts(resolved, &mut conflict);
    problems
}

/// A bind without what says how it is spoken to there.
fn address(bind: &str) -> &str {
    let scheme = ["https+", "http+", "https://", "http://", "tcp://"].into_iter().find(|it| bind.starts_with(it));
    bind.strip_prefix(scheme.unwrap_or_default()).unwrap_or(bind)
}

/// Whether a response may have this field whatever the response is: no field that says where it ends or what becomes of
/// its connection.
fn may_be_added(field: &str) -> bool {
    const TAKEN: [&str; 8] = [
        "connection",
        "content-length",
        "content-encoding",
        "keep-alive",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-connection",
    ];
    let name = field.split_once(':').map_or(field, |(name, _)| name);
    !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name.trim()))
}

/// Whether this is the name of a header field (RFC 9110, 5.1), and of none that HTTP itself needs.
fn may_hold_an_id(name: &str) -> bool {
    const TAKEN: [&str; 9] = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    // Empty means that there is none, as with every text.
    name.chars().all(is_letter) && !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name))
}

/// What works but surely is not meant.
pub fn warnings(resolved: &Resolved) -> Vec<String> {
    let settings = &resolved.settings;
    let mut warnings = Vec::new();
    let mut idle_jitter = |jitter: bool, limit: bool, names: (&str, &str)| {
        if jitter && !limit {
            let (key, base) = names;
            warnings.push(format!("{key} ({}) has no effect without {base}", resolved.origin(key)));
        }
    };
    let requests = ("max_requests_jitter", "max_requests");
    idle_jitter(settings.max_requests_jitter > 0, settings.max_requests > 0, requests);
    let lifetime = ("max_worker_lifetime_jitter", "max_worker_lifetime");
    idle_jitter(
        settings.max_worker_lifetime_jitter > Duration::ZERO,
        settings.max_worker_lifetime > Duration::ZERO,
        lifetime,
    );
    warnings.extend(secure::warnings(resolved));
    warnings.extend(spellings::warnings(resolved));
    let logs = settings.access_output() != AccessOutput::None || settings.access_to_syslog();
    for (key, idle, base) in [
        ("access_log_format", !logs, "an access log (accesslog)"),
        ("syslog_addr", !settings.syslog, "syslog"),
        ("syslog_prefix", !settings.syslog, "syslog"),
        ("syslog_facility", !settings.syslog, "syslog"),
    ] {
        if idle && resolved.provenance.contains_key(key) {
            warnings.push(format!("{key} ({}) has no effect without {base}", resolved.origin(key)));
        }
    }
    if is_silent(settings) && settings.access_output() == AccessOutput::Stdout {
        let origin = resolved.origin("daemon");
        warnings.push(format!("daemon ({origin}) sends the access log to /dev/null; name a file in accesslog"));
    }
    if is_mute(settings) {
        let origin = resolved.origin("daemon");
        warnings
            .push(format!("daemon ({origin}) sends the log to /dev/null as long as errorlog is \"-\"; name a file"));
    }
    warnings
}

/// A daemon that logs to a standard error which it closes.
fn is_mute(settings: &Settings) -> bool {
    is_silent(settings) && settings.log_path().is_none() && !settings.syslog
}

/// A daemon whose standard streams lead nowhere.
fn is_silent(settings: &Settings) -> bool {
    settings.daemon && !settings.enable_stdio_inheritance
}
