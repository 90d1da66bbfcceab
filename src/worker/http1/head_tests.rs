//! What is taken for a head, and what is said of the rest.

use super::demands::{Demands, Upgrade};
use super::head::{parse, parse_whole};
use super::refusal::Refusal;
use super::rules::Framing;
use super::scan::{Found, HeadLimits, Scan};
use bytes::Bytes;
use http::Request;
use proptest::prelude::*;

/// A request and what its head demands.
#[derive(Debug)]
struct Head {
    request: Request<()>,
    demands: Demands,
}

impl std::ops::Deref for Head {
    type Target = Demands;

    fn deref(&self) -> &Demands {
        &self.demands
    }
}

fn the_long_way(bytes: &Bytes, found: Found) -> Result<Head, Refusal> {
    let mut request = Request::new(());
    parse(bytes, found, &mut request).map(|demands| Head { request, demands })
}

fn the_short_way(bytes: &Bytes, limits: &HeadLimits) -> Option<Result<Head, Refusal>> {
    let mut request = Request::new(());
    Some(parse_whole(bytes, limits, &mut request)?.map(|demands| Head { request, demands }))
}

fn parsed(head: &str) -> Result<Head, Refusal> {
    let bytes = Bytes::copy_from_slice(head.as_bytes());
    let found = Scan::default().find(&bytes, &HeadLimits::new(0, 100, 0))?.expect("a complete head");
    the_long_way(&bytes.slice(..found.length), found)
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
        with("GET / HTTP/1.1", &format!("Host: {host}\r\n")).unwrap_or_else(|refusal| panic!("{host}: {refusal:?}"));
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

/// Heads with something wrong in them now and then.
fn rather_a_head() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => Just("GET /a?b HTTP/1.1\r\n".to_owned()),
        1 => Just("GET / HTTP/1.0\r\n".to_owned()),
        1 => Just("\r\nGET / HTTP/1.1\r\n".to_owned()),
        1 => Just("GET / HTTP/1.1\n".to_owned()),
        1 => "[A-Z]{1,4} [ -~]{1,30} HTTP/1.[0-2]\r\n",
    ];
    let field = prop_oneof![
        4 => Just("Host: a\r\n".to_owned()),
        6 => "[A-Za-z-]{1,12}: ?[ -~]{0,40} ?\r\n",
        1 => "[A-Za-z]{1,5}: [a-z]{0,5}\n",
        1 => "[A-Za-z]{0,2} ?:[a-z\r\n\t ]{0,5}\r\n",
        1 => Just("\r\n".to_owned()),
        1 => Just("Content-Length: 3\r\n".to_owned()),
    ];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\n\r\n"), 1 => Just("\r\nabc\r\n\r\n")];
    (line, proptest::collection::vec(field, 0..8), end).prop_map(|(line, fields, end)| line + &fields.concat() + end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_leads_where_the_long_one_does(head in rather_a_head(), line in 5usize..60, field in 5usize..60) {
        let limits = HeadLimits::new(line, 6, field);
        let bytes = Bytes::from(head);
        if let Some(short) = the_short_way(&bytes, &limits) {
            let found = Scan::default().find(&bytes, &limits);
            let found = found.expect("what the scan allows too").expect("a complete head");
            prop_assert_eq!(found.length, bytes.len());
            let long = the_long_way(&bytes, found);
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
    }
}

#[test]
fn an_ordinary_request_takes_the_short_way() {
    let limits = HeadLimits::new(20, 3, 10);
    let ordinary = |text: &'static str| the_short_way(&Bytes::from_static(text.as_bytes()), &limits);
    let head = ordinary("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n").expect("one head").expect("in order");
    assert_eq!((head.request.headers().len(), head.request.uri().path()), (2, "/"));
    for other in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /23456789 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a2345\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n",
    ] {
        assert!(ordinary(other).is_none(), "{other:?}");
    }
}
