//! What RFC 9112 demands of a request's target, host and framing, and parsers like to overlook: each of these has been
//! used to make two servers see different requests in the same bytes.

use super::refusal::Refusal;
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};

/// How the end of a request's body is known (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worker) enum Framing {
    /// So many bytes; zero: there is no body.
    Length(u64),
    /// By a chunk of size zero.
    Chunked,
}

/// Decides how the body is framed, and refuses what two servers might read differently.
pub(in crate::worker) fn framing(version: Version, headers: &HeaderMap) -> Result<Framing, Refusal> {
    let has_coding = headers.contains_key(header::TRANSFER_ENCODING);
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    match (has_coding, length) {
        (false, None) => Ok(Framing::Length(0)),
        (true, Some(_)) => Err(Refusal::LENGTH_AND_CODING),
        (false, Some(length)) => {
            // Even if they agree: the next server on the way may take another one than we do.
            if lengths.next().is_some() {
                return Err(Refusal::LENGTH);
            }
            number(length.as_bytes()).map(Framing::Length).ok_or(Refusal::LENGTH)
        }
        (true, None) if version == Version::HTTP_10 => Err(Refusal::CODING_AND_OLD),
        (true, None) => coding(headers).map(|()| Framing::Chunked),
    }
}

/// Digits and nothing else; `u64::from_str` would take a plus sign.
pub(in crate::worker) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// The Content-Length of a response, if it is one number.
pub(in crate::worker) fn said_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = number(lengths.next()?.as_bytes())?;
    lengths.all(|other| number(other.as_bytes()) == Some(length)).then_some(length)
}

fn coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter().flat_map(tokens);
    let mut last_is_chunked = false;
    let mut others = false;
    for coding in &mut codings {
        if last_is_chunked {
            return Err(Refusal::CODING);
        }
        last_is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        others |= !last_is_chunked;
    }
    match (last_is_chunked, others) {
        (true, false) => Ok(()),
        (true, true) => Err(Refusal::UNKNOWN_CODING),
        (false, _) => Err(Refusal::CODING),
    }
}

/// The elements of a comma-separated list, without white space around them; empty ones count too.
pub(in crate::worker) fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether a field of comma-separated tokens has this one.
pub(in crate::worker) fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().flat_map(tokens).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
}

/// The target's form must be one that the method may have (RFC 9112, 3.2), in visible ASCII without a fragment.
pub(in crate::worker) fn target(method: &Method, raw: &[u8], uri: &Uri) -> Result<(), Refusal> {
    if raw.iter().any(|byte| !(0x21..=0x7e).contains(byte) || *byte == b'#') {
        return Err(Refusal::TARGET);
    }
    let fits = match raw {
        b"*" => method == Method::OPTIONS,
        [b'/', ..] => method != Method::CONNECT,
        // authority-form: a host and a port, which must be there
        _ if method == Method::CONNECT => {
            uri.scheme().is_none() && uri.path().is_empty() && uri.port_u16().is_some() && is_host(raw)
        }
        // absolute-form
        _ => {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|authority| !authority.host().is_empty() && is_host(authority.as_str().as_bytes()))
        }
    };
    if fits { Ok(()) } else { Err(Refusal::TARGET) }
}

/// Exactly one Host that is one, and that is the target's own where the target has one (RFC 9112, 3.2).
pub(in crate::worker) fn host(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next().map(HeaderValue::as_bytes);
    the_host(version, uri, first, hosts.next().is_some())
}

/// The same for whoever has seen the fields already: the first Host, and whether there are more.
pub(in crate::worker) fn the_host(
    version: Version,
    uri: &Uri,
    first: Option<&[u8]>,
    are_more: bool,
) -> Result<(), Refusal> {
    let Some(host) = first else {
        return if version == Version::HTTP_10 { Ok(()) } else { Err(Refusal::NO_HOST) };
    };
    if are_more {
        return Err(Refusal::HOSTS);
    }
    if !is_host(host) {
        return Err(Refusal::HOST);
    }
    match uri.authority() {
        None => Ok(()),
        Some(authority) => {
            let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
            let same = same_host(authority.as_str().as_bytes(), host, default);
            if same { Ok(()) } else { Err(Refusal::OTHER_HOST) }
        }
    }
}

/// Whether this is `host [ ":" port ]` (RFC 9110, 7.2). A comma may stand in a name by the letter of RFC 3986; in this
/// field it is a list.
fn is_host(text: &[u8]) -> bool {
    let plain = text.iter().take_while(|byte| PLAIN[usize::from(**byte)]).count();
    match &text[plain..] {
        [] => true,
        [b':', port @ ..] => is_port(port),
        _ => is_unusual_host(text),
    }
}

/// What a name may be made of, percent signs aside.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < plain.len() {
        plain[byte] = matches!(byte as u8,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
            | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=');
        byte += 1;
    }
    plain
};

fn is_port(port: &[u8]) -> bool {
    port.is_empty() || number(port).is_some_and(|n| n <= 65535)
}

/// With an address in brackets, or with percent signs.
fn is_unusual_host(text: &[u8]) -> bool {
    let Some((name, port)) = split_port(text) else { return false };
    port.is_none_or(is_port) && (is_ip_literal(name) || is_name(name))
}

/// The host and what follows its colon. None: the brackets of an address do not match.
fn split_port(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let name = if text.first() == Some(&b'[') { memchr::memchr(b']', text)? + 1 } else { 0 };
    match memchr::memchr(b':', &text[name..]) {
        None if name > 0 && name < text.len() => None,
        None => Some((text, None)),
        Some(colon) if name > 0 && colon > 0 => None,
        Some(colon) => Some((&text[..name + colon], Some(&text[name + colon + 1..]))),
    }
}

fn is_ip_literal(name: &[u8]) -> bool {
    let Some(inner) = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) else { return false };
    std::str::from_utf8(inner).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'%' if after.len() >= 2 && after[..2].iter().all(u8::is_ascii_hexdigit) => &after[2..],
            byte if PLAIN[usize::from(*byte)] => after,
            _ => return false,
        };
    }
    true
}

fn same_host(one: &[u8], other: &[u8], default_port: u64) -> bool {
    let parts = |text| split_port(text).map(|(name, port)| (name, port.and_then(number).unwrap_or(default_port)));
    match (parts(one), parts(other)) {
        (Some((one, port)), Some((other, its_port))) => port == its_port && one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

/// A WebSocket handshake must be one (RFC 6455, 4.2.1) before the application hears of it.
pub(in crate::worker) fn websocket(method: &Method, version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    if method != Method::GET || version < Version::HTTP_11 {
        return Err(Refusal::WEBSOCKET);
    }
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(|value| value.as_bytes().trim_ascii())
    };
    if one("sec-websocket-version") != Some(b"13") {
        return Err(Refusal::WEBSOCKET_VERSION);
    }
    if one("sec-websocket-key").is_some_and(is_key) { Ok(()) } else { Err(Refusal::WEBSOCKET) }
}

/// 16 bytes in base64: 22 characters, of which the last holds two bits only, and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key {
        [most @ .., last, b'=', b'='] => most.len() == 21 && most.iter().all(in_alphabet) && b"AQgw".contains(last),
        _ => false,
    }
}
