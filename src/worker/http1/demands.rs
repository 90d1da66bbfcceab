//! What a request's head says about its connection: where the body ends, whether another request may follow, what is to
//! be spoken afterwards.

use super::refusal::Refusal;
use super::rules::{self, Framing};
use http::header::{self, HeaderName};
use http::{HeaderMap, Method, Request, Version};

/// What the head of a request says about its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    pub(super) framing: Framing,
    /// The client awaits `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
    /// The connection may stay open afterwards.
    pub(super) keep_alive: bool,
    /// The client takes trailers (RFC 9110, 10.1.4).
    pub(super) takes_trailers: bool,
    /// The client wants to speak something else afterwards (RFC 9110, 7.8).
    pub(super) upgrade: Upgrade,
}

/// What the client wants to speak afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// HTTP.
    No,
    /// The WebSocket protocol, by a handshake that is one.
    WebSocket,
    /// Something that only the application can know; CONNECT too.
    Other,
}

/// Which of the fields that concern the connection are there: most requests have none, and are not searched for them.
#[derive(Clone, Copy, Default)]
pub(super) struct Notable<'b> {
    /// A Host; refused if it is not the only one.
    host: Option<&'b [u8]>,
    more_hosts: bool,
    framing: bool,
    connection: bool,
    upgrade: bool,
    expect: bool,
    te: bool,
}

impl<'b> Notable<'b> {
    pub(super) fn note(&mut self, name: &HeaderName, value: &'b [u8]) {
        if *name == header::HOST {
            self.more_hosts |= self.host.replace(value).is_some();
        }
        self.framing |= *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING;
        self.connection |= *name == header::CONNECTION;
        self.upgrade |= *name == header::UPGRADE;
        self.expect |= *name == header::EXPECT;
        self.te |= *name == header::TE;
    }
}

/// Judges a request by its fields.
#[inline]
pub(super) fn judge<B>(request: &Request<B>, notable: Notable<'_>) -> Result<Demands, Refusal> {
    let (method, version, headers) = (request.method(), request.version(), request.headers());
    rules::the_host(version, request.uri(), notable.host, notable.more_hosts)?;
    let framing = if notable.framing { rules::framing(version, headers)? } else { Framing::Length(0) };
    let is_new = version == Version::HTTP_11;
    let connection = if notable.connection { Options::of(headers) } else { Options::default() };
    let expects_continue = is_new && notable.expect && expectation(headers)? && framing != Framing::Length(0);
    let upgrade = if method == Method::CONNECT {
        Upgrade::Other
    } else {
        upgrade(request, connection.upgrade && notable.upgrade, framing)?
    };
    let keep_alive = !connection.close && (is_new || connection.keep_alive);
    let takes_trailers = is_new && notable.te && rules::has_token(headers, header::TE, "trailers");
    Ok(Demands { framing, expects_continue, keep_alive, takes_trailers, upgrade })
}

/// What the Connection field says.
#[derive(Default)]
struct Options {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl Options {
    fn of(headers: &HeaderMap) -> Self {
        let mut options = Self::default();
        for token in headers.get_all(header::CONNECTION).iter().flat_map(rules::tokens) {
            options.close |= token.eq_ignore_ascii_case(b"close");
            options.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            options.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
        options
    }
}

/// Whether the client expects `100 Continue` (RFC 9110, 10.1.1).
fn expectation(headers: &HeaderMap) -> Result<bool, Refusal> {
    let mut expectations = headers.get_all(header::EXPECT).iter();
    match (expectations.next(), expectations.next()) {
        (None, _) => Ok(false),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        _ => Err(Refusal::EXPECTATION),
    }
}

/// An upgrade to h2c is not taken up (RFC 9113 has dropped it), and the request is answered as it stands; so is one
/// that HTTP/1.0 asks for, and one with a chunked body: who serves upgrades is less strict about chunks than we are.
fn upgrade<B>(request: &Request<B>, is_wanted: bool, framing: Framing) -> Result<Upgrade, Refusal> {
    let headers = request.headers();
    if !is_wanted || request.version() != Version::HTTP_11 {
        return Ok(Upgrade::No);
    }
    if rules::has_token(headers, header::UPGRADE, "websocket") {
        rules::websocket(request.method(), request.version(), headers)?;
        return Ok(Upgrade::WebSocket);
    }
    let is_h2c = rules::has_token(headers, header::UPGRADE, "h2c");
    Ok(if is_h2c || framing == Framing::Chunked { Upgrade::No } else { Upgrade::Other })
}
