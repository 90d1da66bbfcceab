//! A request as one line, text or JSON. Pure, but for the time, which `stamp` brings.

use super::atoms::{Step, user};
use super::entry::Entry;
use super::escape;
use super::format::{Format, Shape};
use super::stamp::Stamp;
use http::Version;
use std::net::IpAddr;
use std::time::Duration;

/// Appends the line and its line feed.
pub(super) fn line(out: &mut Vec<u8>, format: &Format, stamp: &mut Stamp, entry: &Entry) {
    match format.shape() {
        Shape::Text(steps) => steps.iter().for_each(|step| perform(out, step, stamp, entry)),
        Shape::Json => json(out, stamp, entry),
    }
    out.push(b'\n');
}

fn perform(out: &mut Vec<u8>, step: &Step, stamp: &mut Stamp, entry: &Entry) {
    let whole = |header: Option<&[u8]>, out: &mut Vec<u8>| match header {
        Some(value) => escape::text(out, value),
        None => out.push(b'-'),
    };
    match step {
        Step::Text(text) => piece(out, text),
        Step::Client => client(out, entry.client),
        Step::User(index) => match user(entry.request.get(*index)) {
            Some(name) => escape::word(out, &name),
            None => out.push(b'-'),
        },
        Step::Time => out.extend_from_slice(stamp.now().as_bytes()),
        Step::RequestLine => request_line(out, entry),
        Step::Method => known(out, entry.method.as_bytes()),
        Step::Target => known(out, entry.target),
        Step::Path => known(out, parts(entry.target).0),
        // Empty is what most requests have, not something unknown.
        Step::Query => escape::text(out, parts(entry.target).1.unwrap_or_default()),
        Step::Protocol => out.extend_from_slice(protocol(entry.version).as_bytes()),
        Step::Status => status(out, entry.status),
        Step::Sent => match entry.sent {
            Some(bytes) => number(out, bytes),
            None => out.push(b'-'),
        },
        Step::Seconds => number(out, entry.took.as_secs()),
        Step::Millis => number(out, entry.took.as_secs().saturating_mul(1000) + u64::from(entry.took.subsec_millis())),
        Step::Micros => number(out, micros(entry.took)),
        Step::Decimal => decimal(out, entry.took),
        Step::Pid => {
            out.push(b'<');
            number(out, entry.pid.into());
            out.push(b'>');
        }
        Step::RequestHeader(index) => whole(entry.request.get(*index), out),
        Step::ResponseHeader(index) => whole(entry.response.get(*index), out),
        Step::RequestId => whole(entry.request_id.map(str::as_bytes), out),
    }
}

/// `GET /path?query HTTP/1.1`; a part that is not known is `-`, and so is the whole if nothing is.
fn request_line(out: &mut Vec<u8>, entry: &Entry) {
    if entry.method.is_empty() && entry.target.is_empty() && entry.version.is_none() {
        return out.push(b'-');
    }
    known(out, entry.method.as_bytes());
    out.push(b' ');
    known(out, entry.target);
    out.push(b' ');
    out.extend_from_slice(protocol(entry.version).as_bytes());
}

fn known(out: &mut Vec<u8>, value: &[u8]) {
    match value {
        [] => out.push(b'-'),
        b"GET" => out.extend_from_slice(b"GET"),
        value => escape::text(out, value),
    }
}

/// One object. The names are a promise: README and reference list them. What a request does not have is left out.
fn json(out: &mut Vec<u8>, stamp: &mut Stamp, entry: &Entry) {
    out.extend_from_slice(br#"{"time":""#);
    out.extend_from_slice(stamp.now().as_bytes());
    out.push(b'"');
    let name = |out: &mut Vec<u8>, name: &str| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    };
    let text = |out: &mut Vec<u8>, key: &str, value: Option<&[u8]>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            name(out, key);
            escape::json(out, value);
        }
    };
    if entry.client.is_some() {
        name(out, "client");
        out.push(b'"');
        client(out, entry.client);
        out.push(b'"');
    }
    let (path, query) = parts(entry.target);
    text(out, "method", Some(entry.method.as_bytes()));
    text(out, "path", Some(path));
    text(out, "query", query);
    text(out, "protocol", entry.version.map(|version| protocol(Some(version)).as_bytes()));
    name(out, "status");
    number(out, entry.status.into());
    if let Some(bytes) = entry.sent {
        name(out, "bytes");
        number(out, bytes);
    }
    name(out, "duration");
    decimal(out, entry.took);
    text(out, "referer", entry.request.get(0));
    text(out, "user_agent", entry.request.get(1));
    text(out, "request_id", entry.request_id.map(str::as_bytes));
    name(out, "pid");
    number(out, entry.pid.into());
    text(out, "end", Some(entry.end.name().as_bytes()));
    out.push(b'}');
}

fn client(out: &mut Vec<u8>, client: Option<IpAddr>) {
    match client {
        Some(IpAddr::V4(address)) => {
            for octet in address.octets() {
                octet_and_point(out, octet);
            }
            out.pop();
        }
        Some(IpAddr::V6(address)) => out.extend_from_slice(address.to_string().as_bytes()),
        None => out.push(b'-'),
    }
}

/// Digits are looked up: an address is in nearly every line.
fn octet_and_point(out: &mut Vec<u8>, octet: u8) {
    const TEXTS: [([u8; 4], usize); 256] = {
        let mut texts = [([b'.'; 4], 0); 256];
        let mut octet = 0;
        while octet < texts.len() {
            let digits = [(octet / 100) as u8, (octet / 10 % 10) as u8, (octet % 10) as u8];
            let skipped = if octet > 99 {
                0
            } else if octet > 9 {
                1
            } else {
                2
            };
            let mut at = skipped;
            while at < digits.len() {
                texts[octet].0[at - skipped] = b'0' + digits[at];
                at += 1;
            }
            texts[octet].1 = digits.len() - skipped + 1;
            octet += 1;
        }
        texts
    };
    let (text, length) = TEXTS[usize::from(octet)];
    short(out, &text, length);
}

/// Appends the first bytes of an array: a copy of a size that the compiler knows, which is no call.
fn short<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

/// Appends what is short as a rule.
fn piece(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [one] => out.push(*one),
        [one, two] => out.extend_from_slice(&[*one, *two]),
        [one, two, three] => out.extend_from_slice(&[*one, *two, *three]),
        more => out.extend_from_slice(more),
    }
}

fn protocol(version: Option<Version>) -> &'static str {
    match version {
        Some(Version::HTTP_09) => "HTTP/0.9",
        Some(Version::HTTP_10) => "HTTP/1.0",
        Some(Version::HTTP_11) => "HTTP/1.1",
        Some(Version::HTTP_2) => "HTTP/2",
        Some(Version::HTTP_3) => "HTTP/3",
        _ => "-",
    }
}

/// The path of a target in any form of RFC 9112, 3.2, and its query without the question mark.
fn parts(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let target = match target.first() {
        Some(b'/') | None => target,
        Some(_) => match memchr::memmem::find(target, b"://") {
            Some(scheme) => {
                let rest = &target[scheme + 3..];
                let begin = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
                if rest[begin..].starts_with(b"/") { &rest[begin..] } else { return (b"/", rest.get(begin + 1..)) }
            }
            None => target,
        },
    };
    match memchr::memchr(b'?', target) {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

/// Three digits, as all of them have.
fn status(out: &mut Vec<u8>, status: u16) {
    if let 100..=999 = status {
        out.extend_from_slice(&[status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8));
    } else {
        number(out, status.into());
    }
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Seconds with six digits after the point.
fn decimal(out: &mut Vec<u8>, took: Duration) {
    number(out, took.as_secs());
    let mut micros = took.subsec_micros();
    let mut digits = *b".000000";
    for digit in digits[1..].iter_mut().rev() {
        *digit += (micros % 10) as u8;
        micros /= 10;
    }
    out.extend_from_slice(&digits);
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
