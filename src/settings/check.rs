//! The checks that need more than one option: conflicts are errors that name both origins, waste is a warning.

use super::error::{Fault, Place, Problem, quoted};
use super::options::Settings;
use super::resolve::Resolved;
use std::time::Duration;

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
    if settings.bind.is_empty() {
        conflict("bind", format!("the list is empty ({}); name at least one address", origin("bind")));
    }
    for (index, bind) in settings.bind.iter().enumerate() {
        // Port 0 is another port each time.
        if !bind.ends_with(":0") && settings.bind.iter().skip(index + 1).any(|other| other == bind) {
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
    problems
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
    if is_mute(settings) {
        let origin = resolved.origin("daemon");
        warnings
            .push(format!("daemon ({origin}) sends the log to /dev/null as long as errorlog is \"-\"; name a file"));
    }
    warnings
}

/// A daemon that logs to a standard error which it closes.
fn is_mute(settings: &Settings) -> bool {
    settings.daemon && !settings.enable_stdio_inheritance && settings.log_path().is_none()
}
