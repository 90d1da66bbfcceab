//! X-Forwarded-For, X-Forwarded-Host and the headers that tell the scheme. No standard describes them.

use super::super::Trusted;
use super::names::{Names, X_FORWARDED_FOR, X_FORWARDED_HOST};
use super::walk::Walk;
use super::{Contradiction, Forwarded, Scheme, node};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// Reads them all.
pub fn read(headers: &HeaderMap, trusted: &Trusted, names: &Names) -> Result<Forwarded, Contradiction> {
    let mut walk = Walk::new(trusted);
    for entry in elements(headers, &X_FORWARDED_FOR) {
        walk.step(node::client(entry), ());
    }
    // Proxies either replace it or add to its right, so the right end is the trusted peer's own.
    let host = elements(headers, &X_FORWARDED_HOST).last().and_then(node::host);
    Ok(Forwarded { client: walk.end().0, scheme: scheme(headers, names.secure())?, host })
}

/// The elements of a list that may stand on several lines, without white space and empty ones.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    let elements = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// As in Gunicorn: each header that is present says https if its value is the one of the table, and http otherwise.
fn scheme(headers: &HeaderMap, secure: &[(HeaderName, HeaderValue)]) -> Result<Option<Scheme>, Contradiction> {
    let mut found = None;
    for (name, secure) in secure {
        for line in headers.get_all(name) {
            let says = if is_secure(line.as_bytes(), secure.as_bytes()) { Scheme::Https } else { Scheme::Http };
            if found.replace(says).is_some_and(|before| before != says) {
                return Err(Contradiction::Scheme);
            }
        }
    }
    Ok(found)
}

/// A proxy that adds to the value of the one before it makes a list: secure is only what is so all the way. Some proxies
/// write `wss` for a WebSocket, which is as secure as `https`.
fn is_secure(line: &[u8], secure: &[u8]) -> bool {
    let alike = |value: &[u8]| value == secure || (secure == b"https" && value == b"wss");
    line.split(|byte| *byte == b',').all(|value| alike(value.trim_ascii()))
}
