//! The checks of the TLS options against each other, and of what ALPN offers.
//!
//! Only the words are looked at; the files that they name are read by the arbiter, with `tls`.

use super::check::Conflict;
use super::options::Settings;
use super::resolve::Resolved;

/// The names that `http_protocols` knows, as Gunicorn spells them.
const PROTOCOLS: [&str; 2] = ["h1", "h2"];

/// What cannot work together.
pub fn conflicts(resolved: &Resolved, conflict: &mut Conflict<'_>) {
    let settings = &resolved.settings;
    let origin = |key| resolved.origin(key).to_string();
    if let Some(why) = unusable(settings) {
        conflict("http_protocols", format!("{why} ({})", origin("http_protocols")));
    }
    let (certificates, keys) = (settings.certfile.len(), settings.keyfile.len());
    if keys != 0 && keys != certificates {
        let (certfile, keyfile) = (origin("certfile"), origin("keyfile"));
        let counts = format!("{keys} of keyfile ({keyfile}) for {certificates} of certfile ({certfile})");
        conflict("keyfile", format!("there must be one for each certfile, found {counts}"));
    }
    if settings.cert_reqs > 0 && settings.ca_certs.is_none() {
        let from = origin("cert_reqs");
        conflict(
            "cert_reqs",
            format!("asks for certificates of clients ({from}); ca_certs must say who vouches for them"),
        );
    }
    if certificates == 0 {
        if settings.cert_reqs > 0 {
            let from = origin("cert_reqs");
            conflict("cert_reqs", format!("asks for certificates of clients ({from}), which takes TLS; set certfile"));
        }
        for bind in settings.bind.iter().filter(|bind| says(bind, "https")) {
            conflict("bind", format!("{bind} ({}) asks for TLS; set certfile", origin("bind")));
        }
    }
}

/// What works but surely is not meant.
pub fn warnings(resolved: &Resolved) -> Vec<String> {
    let settings = &resolved.settings;
    let mut warnings = Vec::new();
    let mut idle = |key: &'static str, is_set: bool, base: &str| {
        if is_set {
            warnings.push(format!("{key} ({}) has no effect without {base}", resolved.origin(key)));
        }
    };
    let plain = settings.certfile.is_empty();
    idle("ca_certs", settings.ca_certs.is_some() && (plain || settings.cert_reqs == 0), "certfile and cert_reqs");
    idle("ciphers", settings.ciphers.is_some() && plain, "certfile");
    // What systemd passes may be TCP, whatever is written here.
    let speaks_tls = |bind: &String| !bind.starts_with("unix:") && !says(bind, "http");
    idle("certfile", !plain && !settings.bind.iter().any(speaks_tls), "a bind that speaks TLS");
    warnings
}

/// Whether a bind begins with this scheme; what the scheme is followed by is the business of `listeners`.
fn says(bind: &str, scheme: &str) -> bool {
    bind.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://") || rest.starts_with('+'))
}

/// The protocols that a handshake offers, as they are written, without white space.
pub fn protocols(settings: &Settings) -> Vec<&str> {
    settings.http_protocols.split(',').map(str::trim).collect()
}

fn unusable(settings: &Settings) -> Option<String> {
    let offered = protocols(settings);
    let strange = offered.iter().find(|name| !PROTOCOLS.contains(name));
    if let Some(name) = strange {
        return Some(format!("{name:?} is not spoken here; known are h1 and h2, with commas between them"));
    }
    let twice = offered.iter().enumerate().find(|(index, name)| offered[..*index].contains(name));
    twice.map(|(_, name)| format!("{name} is listed twice; name it once"))
}
