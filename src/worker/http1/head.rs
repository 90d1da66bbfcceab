//! From the bytes of a complete head to a request that the application may see.

use super::refusal::Refusal;
use super::rules::{self, Framing};
use super::scan::Found;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri, Version};
use httparse::{Error, Status};
use std::mem::MaybeUninit;

/// More fields than this are parsed on the heap.
const FEW: usize = 48;

/// A request without its body, and what its head says about the connection.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request<()>,
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

/// Parses a head that [`super::scan::Scan`] has found to be complete.
pub(super) fn parse(bytes: &Bytes, found: Found) -> Result<Head, Refusal> {
    if found.fields <= FEW {
        parse_with(bytes, &mut [const { MaybeUninit::uninit() }; FEW])
    } else {
        parse_with(bytes, &mut vec![MaybeUninit::uninit(); found.fields])
    }
}

fn parse_with<'b>(bytes: &'b Bytes, space: &mut [MaybeUninit<httparse::Header<'b>>]) -> Result<Head, Refusal> {
    let mut raw = httparse::Request::new(&mut []);
    match httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut raw, bytes, space) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) | Err(Error::Status | Error::NewLine | Error::Token) => return Err(Refusal::SYNTAX),
        Err(Error::HeaderName) => return Err(Refusal::NAME),
        Err(Error::HeaderValue) => return Err(Refusal::VALUE),
        Err(Error::TooManyHeaders) => return Err(Refusal::TOO_MANY_FIELDS),
        Err(Error::Version) => return Err(version_refusal(bytes)),
    }
    let (Some(method), Some(target), Some(version)) = (raw.method, raw.path, raw.version) else {
        return Err(Refusal::SYNTAX);
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::SYNTAX)?;
    let uri = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes())).map_err(|_| Refusal::TARGET)?;
    rules::target(&method, target.as_bytes(), &uri)?;
    let version = if version == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let mut request = Request::new(());
    let (headers, notable) = fields(bytes, raw.headers)?;
    *request.headers_mut() = headers;
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = version;
    judge(request, notable)
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

/// Which of the fields that concern the connection are there: most requests have none, and are not searched for them.
#[derive(Clone, Copy, Default)]
struct Notable {
    framing: bool,
    connection: bool,
    upgrade: bool,
    expect: bool,
    te: bool,
}

impl Notable {
    fn note(&mut self, name: &HeaderName) {
        self.framing |= *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING;
        self.connection |= *name == header::CONNECTION;
        self.upgrade |= *name == header::UPGRADE;
        self.expect |= *name == header::EXPECT;
        self.te |= *name == header::TE;
    }
}

fn fields(bytes: &Bytes, raw: &[httparse::Header<'_>]) -> Result<(HeaderMap, Notable), Refusal> {
    let mut notable = Notable::default();
    let mut headers = HeaderMap::with_capacity(raw.len());
    for field in raw {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Refusal::NAME)?;
        // An empty value may point anywhere.
        let value = if field.value.is_empty() { Bytes::new() } else { bytes.slice_ref(field.value) };
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Refusal::VALUE)?;
        notable.note(&name);
        headers.append(name, value);
    }
    Ok((headers, notable))
}

fn judge(request: Request<()>, notable: Notable) -> Result<Head, Refusal> {
    let (method, version, headers) = (request.method(), request.version(), request.headers());
    rules::host(version, request.uri(), headers)?;
    let framing = if notable.framing { rules::framing(version, headers)? } else { Framing::Length(0) };
    let is_new = version == Version::HTTP_11;
    let connection = if notable.connection { Options::of(headers) } else { Options::default() };
    let expects_continue = is_new && notable.expect && expectation(headers)? && framing != Framing::Length(0);
    let upgrade = if method == Method::CONNECT {
        Upgrade::Other
    } else {
        upgrade(&request, connection.upgrade && notable.upgrade)?
    };
    let keep_alive = !connection.close && (is_new || connection.keep_alive);
    let takes_trailers = is_new && notable.te && rules::has_token(headers, header::TE, "trailers");
    Ok(Head { framing, expects_continue, keep_alive, takes_trailers, upgrade, request })
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
/// that HTTP/1.0 asks for.
fn upgrade(request: &Request<()>, is_wanted: bool) -> Result<Upgrade, Refusal> {
    let headers = request.headers();
    if !is_wanted || request.version() != Version::HTTP_11 {
        return Ok(Upgrade::No);
    }
    if rules::has_token(headers, header::UPGRADE, "websocket") {
        rules::websocket(request.method(), request.version(), headers)?;
        return Ok(Upgrade::WebSocket);
    }
    let is_h2c = rules::has_token(headers, header::UPGRADE, "h2c");
    Ok(if is_h2c { Upgrade::No } else { Upgrade::Other })
}

#[cfg(test)]
mod tests {
    use super::super::scan::{HeadLimits, Scan};
    use super::*;

    fn parsed(head: &str) -> Result<Head, Refusal> {
        let bytes = Bytes::copy_from_slice(head.as_bytes());
        let found = Scan::default().find(&bytes, &HeadLimits::new(0, 100, 0))?.expect("a complete head");
        parse(&bytes.slice(..found.length), found)
    }

    fn with(line: &str, fields: &str) -> Result<Head, Refusal> {
        parsed(&format!("{line}\r\n{fields}\r\n"))
    }

    #[test]
    fn an_ordinary_request() {
        let head = with("GET /a?b=c HTTP/1.1", "Host: example.org:8000\r\nX: 1\r\nX:  2 \r\nEmpty:\r\n").unwrap();
        assert_eq!(head.request.uri(), "/a?b=c");
        assert_eq!(head.request.headers()["host"], "example.org:8000");
        let values: Vec<_> = head.request.headers().get_all("x").iter().collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(head.request.headers()["empty"], "");
        assert_eq!((head.framing, head.keep_alive, head.upgrade), (Framing::Length(0), true, Upgrade::No));
    }

    #[test]
    fn hosts() {
        let refused = |fields: &str| with("GET / HTTP/1.1", fields).unwrap_err();
        assert_eq!(refused(""), Refusal::NO_HOST);
        assert_eq!(refused("Host: a\r\nhost: a\r\n"), Refusal::HOSTS);
        for host in [
            "a, b",
            "a b",
            "a/b",
            "u@a",
            "a:b",
            "a:65536",
            "a:-1",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "::1",
            "a?b",
            "a%2",
            "a\\b",
        ] {
            assert_eq!(refused(&format!("Host: {host}\r\n")), Refusal::HOST, "{host}");
        }
        for host in ["a", "a:80", "a:", "", "1.2.3.4:1", "[::1]", "[::1]:8000", "a_b.c-d%20", "xn--abc"] {
            with("GET / HTTP/1.1", &format!("Host: {host}\r\n"))
                .unwrap_or_else(|refusal| panic!("{host}: {refusal:?}"));
        }
        with("GET / HTTP/1.0", "").unwrap();
        assert_eq!(with("GET / HTTP/1.0", "Host: a\r\nHost: a\r\n").unwrap_err(), Refusal::HOSTS);
    }

    #[test]
    fn a_host_in_the_target_is_the_host() {
        for (target, host) in [
            ("http://a/x", "a"),
            ("http://A:80/x", "a"),
            ("http://a", "a:80"),
            ("https://a/", "a:443"),
            ("http://[::1]:8/", "[::1]:8"),
        ] {
            with(&format!("GET {target} HTTP/1.1"), &format!("Host: {host}\r\n")).unwrap();
        }
        for (target, host) in [("http://a/x", "b"), ("http://a:81/", "a"), ("http://a/", "")] {
            let refusal = with(&format!("GET {target} HTTP/1.1"), &format!("Host: {host}\r\n")).unwrap_err();
            assert_eq!(refusal, Refusal::OTHER_HOST, "{target} {host}");
        }
    }

    #[test]
    fn targets_fit_their_methods() {
        for line in ["OPTIONS * HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET http://a HTTP/1.1", "OPTIONS / HTTP/1.1"] {
            let host = if line.starts_with("CONNECT") { "a:80" } else { "a" };
            with(line, &format!("Host: {host}\r\n")).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"));
        }
        for line in [
            "GET * HTTP/1.1",
            "CONNECT / HTTP/1.1",
            "CONNECT a HTTP/1.1",
            "CONNECT http://a:80/ HTTP/1.1",
            "GET a:80 HTTP/1.1",
            "GET a HTTP/1.1",
            "GET a/b HTTP/1.1",
            "GET ftp://a/ HTTP/1.1",
            "GET http:///x HTTP/1.1",
            "GET http://u@a/ HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET ?a HTTP/1.1",
        ] {
            assert_eq!(with(line, "Host: a\r\n").unwrap_err(), Refusal::TARGET, "{line}");
        }
    }

    #[test]
    fn framings() {
        let of = |fields: &str| with("POST / HTTP/1.1", &format!("Host: a\r\n{fields}")).map(|head| head.framing);
        assert_eq!(of("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(of("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
        assert_eq!(of("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), Err(Refusal::LENGTH_AND_CODING));
        for length in ["", "+1", "-1", "1, 1", "0x1", "1 1", "99999999999999999999"] {
            assert_eq!(of(&format!("Content-Length: {length}\r\n")), Err(Refusal::LENGTH), "{length}");
        }
        for second in [1, 2] {
            let twice = format!("Content-Length: 1\r\nContent-Length: {second}\r\n");
            assert_eq!(of(&twice), Err(Refusal::LENGTH));
        }
        for coding in ["chunked, gzip", "chunked, chunked", "gzip", "identity", "", "chunked,", "xchunked"] {
            assert_eq!(of(&format!("Transfer-Encoding: {coding}\r\n")), Err(Refusal::CODING), "{coding}");
        }
        assert_eq!(of("Transfer-Encoding: gzip, chunked\r\n"), Err(Refusal::UNKNOWN_CODING));
        assert_eq!(of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), Err(Refusal::CODING));
        let old = with("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n");
        assert_eq!(old.unwrap_err(), Refusal::CODING_AND_OLD);
    }

    #[test]
    fn what_is_no_http() {
        for (line, refusal) in [
            ("GET / HTTP/2.0", Refusal::VERSION),
            ("GET / HTTP/1.2", Refusal::VERSION),
            ("GET / http/1.1", Refusal::SYNTAX),
            ("GET / HTTP/1", Refusal::SYNTAX),
            ("GET  / HTTP/1.1", Refusal::SYNTAX),
            ("GET /", Refusal::SYNTAX),
            ("G\u{1}T / HTTP/1.1", Refusal::SYNTAX),
        ] {
            assert_eq!(with(line, "Host: a\r\n").unwrap_err(), refusal, "{line}");
        }
        for (field, refusal) in [
            ("A : 1", Refusal::NAME),
            (" A: 1", Refusal::NAME),
            ("A", Refusal::NAME),
            (": 1", Refusal::NAME),
            ("A: 1\r\n folded: 2", Refusal::NAME),
            ("A: \u{0}", Refusal::VALUE),
            ("A: 1\r2", Refusal::VALUE),
            ("A: \u{7f}", Refusal::VALUE),
        ] {
            assert_eq!(with("GET / HTTP/1.1", &format!("Host: a\r\n{field}\r\n")).unwrap_err(), refusal, "{field:?}");
        }
    }

    #[test]
    fn connections_expectations_and_upgrades() {
        let kept = |version: &str, fields: &str| {
            with(&format!("GET / HTTP/{version}"), &format!("Host: a\r\n{fields}")).unwrap().keep_alive
        };
        assert!(kept("1.1", "") && !kept("1.1", "Connection: x, Close\r\n"));
        assert!(!kept("1.0", "") && kept("1.0", "Connection: Keep-Alive\r\n"));
        let post = |fields: &str| with("POST / HTTP/1.1", &format!("Host: a\r\n{fields}"));
        assert!(post("Content-Length: 1\r\nExpect: 100-Continue\r\n").unwrap().expects_continue);
        assert!(!post("Content-Length: 0\r\nExpect: 100-continue\r\n").unwrap().expects_continue);
        assert_eq!(post("Expect: more\r\n").unwrap_err(), Refusal::EXPECTATION);
        let asked = |fields: &str| with("GET / HTTP/1.1", &format!("Host: a\r\n{fields}")).map(|head| head.upgrade);
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let wish = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
        assert_eq!(asked(&format!("{wish}{key}Sec-WebSocket-Version: 13\r\n")), Ok(Upgrade::WebSocket));
        assert_eq!(asked(&format!("{wish}{key}Sec-WebSocket-Version: 8\r\n")), Err(Refusal::WEBSOCKET_VERSION));
        assert_eq!(asked(&format!("{wish}{key}{key}Sec-WebSocket-Version: 13\r\n")), Err(Refusal::WEBSOCKET));
        assert_eq!(asked(&format!("{wish}Sec-WebSocket-Version: 13\r\n")), Err(Refusal::WEBSOCKET));
        assert_eq!(asked("Upgrade: websocket\r\n"), Ok(Upgrade::No));
        assert_eq!(asked("Connection: Upgrade\r\nUpgrade: h2c\r\n"), Ok(Upgrade::No));
        assert_eq!(asked("Connection: Upgrade\r\nUpgrade: tunnel\r\n"), Ok(Upgrade::Other));
    }
}
