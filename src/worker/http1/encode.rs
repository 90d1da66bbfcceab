//! The head of a response, and the framing of its body (RFC 9112, 6).

use super::rules::{number, tokens};
use super::wire::Wire;
use bytes::Buf;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Version};
use http_body::SizeHint;

/// How the client knows the end of the response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, whatever the application gives.
    None,
    /// So many bytes are still to come.
    Length(u64),
    /// By a chunk of size zero.
    Chunked,
    /// By the end of the connection (HTTP/1.0).
    Close,
}

/// What decides how a response is sent.
pub(super) struct Plan<'a> {
    pub(super) version: Version,
    pub(super) method: &'a Method,
    /// The connection ends with this response.
    pub(super) close: bool,
    pub(super) server: bool,
    /// The Date field's value, if it is to be sent.
    pub(super) date: Option<&'a [u8; 29]>,
}

/// Writes the head of `response` and returns how its body is to be sent, and whether the connection ends with it.
pub(super) fn head<B>(
    out: &mut Vec<u8>,
    response: &http::Response<B>,
    hint: &SizeHint,
    plan: &Plan<'_>,
) -> (Framing, bool) {
    let status = response.status();
    let headers = response.headers();
    status_line(out, response);
    let (mut has_date, mut has_server, mut said_close) = (false, false, false);
    let mut said_length = SaidLength::default();
    for (name, value) in headers {
        if name == header::CONTENT_LENGTH {
            said_length.hear(value);
            continue;
        }
        if is_ours(name) {
            said_close |= name == header::CONNECTION && tokens(value).any(|token| token.eq_ignore_ascii_case(b"close"));
            continue;
        }
        has_date |= name == header::DATE;
        has_server |= name == header::SERVER;
        field(out, name.as_str(), value.as_bytes());
    }
    let (framing, announce) = frame(status, said_length.0, hint, plan);
    let close = plan.close || framing == Framing::Close || said_close;
    match announce {
        Announce::Nothing => {}
        Announce::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        Announce::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    sign(out, plan.date.filter(|_| !has_date), plan.server && !has_server);
    if close {
        out.extend_from_slice(b"connection: close\r\n");
    } else if plan.version == Version::HTTP_10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
    (framing, close)
}

/// Date and Server, which most responses have both: then in one piece.
fn sign(out: &mut Vec<u8>, date: Option<&[u8; 29]>, server: bool) {
    const SERVER: &[u8] = b"server: rustcorn\r\n";
    const BOTH: &[u8; 55] = b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: rustcorn\r\n";
    match date {
        Some(date) => {
            let mut both = *BOTH;
            both["date: ".len()..][..date.len()].copy_from_slice(date);
            out.extend_from_slice(if server { &both } else { &both[..BOTH.len() - SERVER.len()] });
        }
        None if server => out.extend_from_slice(SERVER),
        None => {}
    }
}

/// What the application says of the length of its body, if that is one number.
#[derive(Default)]
struct SaidLength(Option<u64>, bool);

impl SaidLength {
    fn hear(&mut self, value: &HeaderValue) {
        let length = number(value.as_bytes());
        let agrees = !self.1 || self.0 == length;
        *self = Self(length.filter(|_| agrees), true);
    }
}

/// Fields that say how the message is framed are this module's to write; Content-Length is looked at before.
fn is_ours(name: &HeaderName) -> bool {
    name == header::TRANSFER_ENCODING || name == header::CONNECTION || name == "keep-alive"
}

pub(super) fn status_line<B>(out: &mut Vec<u8>, response: &http::Response<B>) {
    let status = response.status();
    if status == StatusCode::OK && response.extensions().is_empty() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    match response.extensions().get::<hyper::ext::ReasonPhrase>() {
        Some(reason) => out.extend_from_slice(reason.as_bytes()),
        None => out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes()),
    }
    out.extend_from_slice(b"\r\n");
}

pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

enum Announce {
    Nothing,
    Length(u64),
    Chunked,
}

fn frame(status: StatusCode, said: Option<u64>, hint: &SizeHint, plan: &Plan<'_>) -> (Framing, Announce) {
    if status == StatusCode::NO_CONTENT || status.is_informational() {
        return (Framing::None, Announce::Nothing);
    }
    if plan.method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        // The length of the body that a GET would have got: only the application knows it, if its body was taken away.
        let known = said.or(hint.exact().filter(|length| *length > 0 && status != StatusCode::NOT_MODIFIED));
        return (Framing::None, known.map_or(Announce::Nothing, Announce::Length));
    }
    match said.or(hint.exact()) {
        Some(length) => (Framing::Length(length), Announce::Length(length)),
        None if plan.version == Version::HTTP_10 => (Framing::Close, Announce::Nothing),
        None => (Framing::Chunked, Announce::Chunked),
    }
}

/// What a client cannot see in time, and what it can only see by the end of the connection.
pub(super) const TOO_LONG: &str =
    "gives more than its Content-Length says; the rest is not sent, and the connection is closed";
const TOO_SHORT: &str = "is shorter than its Content-Length says; the connection is closed";

/// What became of a piece of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// It is on its way, or was not to be sent.
    Taken,
    /// It goes beyond the length that was announced; only what fits is on its way.
    TooLong,
}

impl Framing {
    /// Hands a piece of the body to the wire, which must have room.
    pub(super) fn send(&mut self, wire: &mut Wire, mut piece: impl Buf) -> Piece {
        let length = piece.remaining() as u64;
        if length == 0 {
            return Piece::Taken;
        }
        match self {
            Self::None => Piece::Taken,
            Self::Length(left) if length > *left => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX);
                wire.push(piece.copy_to_bytes(fits), b"");
                *left = 0;
                Piece::TooLong
            }
            Self::Length(left) => {
                *left -= length;
                wire.push(piece, b"");
                Piece::Taken
            }
            Self::Chunked => {
                let out = wire.output();
                chunk_size(out, length);
                wire.push(piece, b"\r\n");
                Piece::Taken
            }
            Self::Close => {
                wire.push(piece, b"");
                Piece::Taken
            }
        }
    }

    /// Ends the body, and says what is wrong with its length.
    pub(super) fn end(self, wire: &mut Wire, trailers: Option<&HeaderMap>) -> Option<&'static str> {
        if self == Self::Chunked {
            let out = wire.output();
            out.extend_from_slice(b"0\r\n");
            for (name, value) in trailers.into_iter().flatten() {
                if may_trail(name) {
                    field(out, name.as_str(), value.as_bytes());
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        matches!(self, Self::Length(left) if left > 0).then_some(TOO_SHORT)
    }
}

fn chunk_size(out: &mut Vec<u8>, length: u64) {
    let mut digits = [0; 16];
    let mut at = digits.len();
    let mut rest = length;
    while rest > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(rest % 16) as usize];
        rest /= 16;
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// What frames or routes a message, or says who may see it, comes too late in a trailer (RFC 9110, 6.5.1).
fn may_trail(name: &HeaderName) -> bool {
    let forbidden = [
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::HOST,
        header::CACHE_CONTROL,
        header::AUTHORIZATION,
        header::SET_COOKIE,
        header::CONTENT_ENCODING,
        header::CONTENT_TYPE,
        header::CONTENT_RANGE,
        header::TRAILER,
        header::CONNECTION,
    ];
    !forbidden.contains(name)
}
