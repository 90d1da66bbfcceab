//! The header `Forwarded` (RFC 7239, section 4).
//!
//! Read more generously than written there in two points that leave no doubt: `:`, `[` and `]` need no quotes, and white
//! space may surround a semicolon. Everything else that is malformed condemns the whole header: a quote that the client
//! left open would swallow what the proxy added behind it.

use super::super::Trusted;
use super::walk::Walk;
use super::{Contradiction, Forwarded, Scheme, node};
use http::HeaderMap;
use http::header::FORWARDED;
use std::borrow::Cow;

/// One element: what one proxy says of whom it spoke with.
#[derive(Default)]
struct Element<'a> {
    client: Option<Cow<'a, [u8]>>,
    proto: Option<Cow<'a, [u8]>>,
    host: Option<Cow<'a, [u8]>>,
    by: bool,
}

/// Reads all lines of it, in their order.
pub fn read(headers: &HeaderMap, trusted: &Trusted) -> Result<Forwarded, Contradiction> {
    let mut walk = Walk::new(trusted);
    for line in headers.get_all(FORWARDED) {
        let mut reader = Reader { rest: line.as_bytes() };
        while let Some(element) = reader.element().ok_or(Contradiction::Malformed)? {
            walk.step(element.client.as_deref().and_then(node::client), (element.proto, element.host));
        }
    }
    let (client, facts) = walk.end();
    let (proto, host) = facts.unwrap_or_default();
    Ok(Forwarded { client, scheme: proto.as_deref().and_then(scheme), host: host.as_deref().and_then(node::host) })
}

fn scheme(text: &[u8]) -> Option<Scheme> {
    match text {
        _ if [b"https", &b"wss"[..]].iter().any(|name| text.eq_ignore_ascii_case(name)) => Some(Scheme::Https),
        _ if [b"http", &b"ws"[..]].iter().any(|name| text.eq_ignore_ascii_case(name)) => Some(Scheme::Http),
        _ => None,
    }
}

/// Reads a line from left to right. `None` from any part: malformed.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next element that is not empty; `Some(None)` at the end.
    fn element(&mut self) -> Option<Option<Element<'a>>> {
        self.skip(|byte| matches!(byte, b',' | b' ' | b'\t'));
        if self.rest.is_empty() {
            return Some(None);
        }
        let mut element = Element::default();
        loop {
            self.skip_space();
            if !matches!(self.rest.first(), None | Some(b',' | b';')) {
                self.pair(&mut element)?;
                self.skip_space();
            }
            match self.rest.split_first() {
                None => return Some(Some(element)),
                Some((b';', rest)) => self.rest = rest,
                Some((b',', rest)) => {
                    self.rest = rest;
                    return Some(Some(element));
                }
                Some(_) => return None,
            }
        }
    }

    /// `token "=" value`. A name must not come twice in an element, of which the unknown ones are not remembered.
    fn pair(&mut self, element: &mut Element<'a>) -> Option<()> {
        let name = self.take(is_token);
        self.rest = self.rest.strip_prefix(b"=")?;
        let value = match self.rest.strip_prefix(b"\"") {
            Some(rest) => {
                self.rest = rest;
                self.quoted()?
            }
            None => Cow::Borrowed(self.take(|byte| is_token(byte) || matches!(byte, b':' | b'[' | b']'))),
        };
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let twice = match () {
            () if name.is_empty() => return None,
            () if is(b"for") => element.client.replace(value).is_some(),
            () if is(b"proto") => element.proto.replace(value).is_some(),
            () if is(b"host") => element.host.replace(value).is_some(),
            () if is(b"by") => std::mem::replace(&mut element.by, true),
            () => false,
        };
        (!twice).then_some(())
    }

    /// The rest of a quoted string (RFC 9110, section 5.6.4).
    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let mut text = Cow::Borrowed(self.take(is_quotable));
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Some(text);
                }
                [b'\\', byte, rest @ ..] if is_quotable(*byte) || matches!(byte, b'"' | b'\\') => {
                    text.to_mut().push(*byte);
                    self.rest = rest;
                    text.to_mut().extend_from_slice(self.take(is_quotable));
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is_part(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, is_part: impl Fn(u8) -> bool) {
        self.take(is_part);
    }

    fn skip_space(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
    }
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `qdtext`: everything but controls, the quote and the backslash.
fn is_quotable(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f))
}
