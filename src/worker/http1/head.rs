//! From the bytes of a complete head to a request that the application may see.

use super::demands::{Demands, Notable, judge};
use super::refusal::Refusal;
use super::rules;
use super::scan::{Found, HeadLimits};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri, Version};
use httparse::{Error, Status};
use std::mem::MaybeUninit;

/// More fields than this are parsed on the heap.
const FEW: usize = 48;

/// Parses a head that [`super::scan::Scan`] has found to be complete.
///
/// The request is the caller's, and still without a body: it is large, and is not moved more often than it must be.
pub(super) fn parse<B>(bytes: &Bytes, found: Found, into: &mut Request<B>) -> Result<Demands, Refusal> {
    if found.fields <= FEW {
        parse_with(bytes, &mut [const { MaybeUninit::uninit() }; FEW], into)
    } else {
        parse_with(bytes, &mut vec![MaybeUninit::uninit(); found.fields], into)
    }
}

fn parse_with<'b, B>(
    bytes: &'b Bytes,
    space: &mut [MaybeUninit<httparse::Header<'b>>],
    into: &mut Request<B>,
) -> Result<Demands, Refusal> {
    let mut raw = httparse::Request::new(&mut []);
    match httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut raw, bytes, space) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) | Err(Error::Status | Error::NewLine | Error::Token) => return Err(Refusal::SYNTAX),
        Err(Error::HeaderName) => return Err(Refusal::NAME),
        Err(Error::HeaderValue) => return Err(Refusal::VALUE),
        Err(Error::TooManyHeaders) => return Err(Refusal::TOO_MANY_FIELDS),
        Err(Error::Version) => return Err(version_refusal(bytes)),
    }
    assemble(bytes, &raw, into)
}

/// The way of most requests: bytes that may well be one head and nothing else are parsed without having been looked
/// over by [`super::scan::Scan`], and what that would have seen is asked of the result. None: they are not, or something
/// is the matter with them that the scan knows better how to name.
pub(super) fn parse_whole<B>(
    bytes: &Bytes,
    limits: &HeadLimits,
    into: &mut Request<B>,
) -> Option<Result<Demands, Refusal>> {
    let mut space = [const { MaybeUninit::uninit() }; FEW];
    let mut raw = httparse::Request::new(&mut []);
    match httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut raw, bytes, &mut space) {
        Ok(Status::Complete(length)) if length == bytes.len() => {}
        _ => return None,
    }
    is_in_order(bytes, &raw, limits).then(|| assemble(bytes, &raw, into))
}

/// Whether every line ends in CR LF and none is longer, nor are there more, than allowed. The parser ends lines at LF, so
/// they end where the next name begins.
fn is_in_order(bytes: &[u8], raw: &httparse::Request<'_, '_>, limits: &HeadLimits) -> bool {
    let at = |text: &str| text.as_ptr().addr() - bytes.as_ptr().addr();
    if raw.method.is_none_or(|method| at(method) != 0) || raw.headers.len() > limits.fields {
        return false;
    }
    let Some(last) = bytes.len().checked_sub(4).filter(|last| bytes[*last..] == *b"\r\n\r\n") else { return false };
    let (mut line, mut limit) = (0, limits.line);
    for field in raw.headers.iter() {
        let next = at(field.name);
        if bytes[next - 2] != b'\r' || next - 2 - line > limit {
            return false;
        }
        (line, limit) = (next, limits.field);
    }
    last - line <= limit
}

/// Makes a request of what was parsed, and judges it.
fn assemble<'b, B>(
    bytes: &'b Bytes,
    raw: &httparse::Request<'_, 'b>,
    into: &mut Request<B>,
) -> Result<Demands, Refusal> {
    let (Some(method), Some(target), Some(version)) = (raw.method, raw.path, raw.version) else {
        return Err(Refusal::SYNTAX);
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::SYNTAX)?;
    let uri = Uri::from_maybe_shared(part(bytes, target.as_bytes())).map_err(|_| Refusal::TARGET)?;
    rules::target(&method, target.as_bytes(), &uri)?;
    let version = if version == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    *into.method_mut() = method;
    *into.uri_mut() = uri;
    *into.version_mut() = version;
    let notable = fields(bytes, raw.headers, into.headers_mut())?;
    judge(into, notable)
}

/// A version that is none is no HTTP; one that is another is another HTTP.
fn version_refusal(bytes: &[u8]) -> Refusal {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    // Method, target, version: the target holds no space, or else it is not the version that is wrong.
    match line.split(|byte| *byte == b' ').nth(2) {
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if [major, minor].iter().all(|c| c.is_ascii_digit()) =>
        {
            Refusal::VERSION
        }
        _ => Refusal::SYNTAX,
    }
}

/// A piece of `whole`, which was parsed from it, as a part of the same block.
fn part(whole: &Bytes, piece: &[u8]) -> Bytes {
    // An empty one may point anywhere.
    if piece.is_empty() {
        return Bytes::new();
    }
    let begin = piece.as_ptr().addr() - whole.as_ptr().addr();
    whole.slice(begin..begin + piece.len())
}

fn fields<'b>(bytes: &Bytes, raw: &[httparse::Header<'b>], headers: &mut HeaderMap) -> Result<Notable<'b>, Refusal> {
    let mut notable = Notable::default();
    headers.reserve(raw.len());
    for field in raw {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Refusal::NAME)?;
        let value = HeaderValue::from_maybe_shared(part(bytes, field.value)).map_err(|_| Refusal::VALUE)?;
        notable.note(&name, field.value);
        headers.append(name, value);
    }
    Ok(notable)
}
