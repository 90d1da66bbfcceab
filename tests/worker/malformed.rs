//! What is no request is refused and never seen by the application, in whatever pieces it comes.

use crate::client::Client;
use crate::seat::{Worker, serve};
use serde_json::json;
use std::net::Shutdown;
use std::time::Duration;

/// Each with its status. `Host: a` is added as the first field where it says `{H}`.
const CASES: &[(u16, &str)] = &[
    // Host (RFC 9112, 3.2)
    (400, "GET / HTTP/1.1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}Host: a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}host: b\r\n\r\n"),
    (400, "GET / HTTP/1.0\r\n{H}Host: a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    (400, "GET http://b/ HTTP/1.1\r\n{H}\r\n"),
    (400, "GET http://a:81/ HTTP/1.1\r\n{H}\r\n"),
    // targets (3.2.1 to 3.2.4)
    (400, "GET * HTTP/1.1\r\n{H}\r\n"),
    (400, "GET a:80 HTTP/1.1\r\n{H}\r\n"),
    (400, "GET a HTTP/1.1\r\n{H}\r\n"),
    (400, "GET ../a HTTP/1.1\r\n{H}\r\n"),
    (400, "GET ?a HTTP/1.1\r\n{H}\r\n"),
    (400, "GET /a#b HTTP/1.1\r\n{H}\r\n"),
    (400, "GET http:///a HTTP/1.1\r\n{H}\r\n"),
    (400, "GET http://u@a/ HTTP/1.1\r\n{H}\r\n"),
    (400, "GET ftp://a/ HTTP/1.1\r\n{H}\r\n"),
    (400, "CONNECT / HTTP/1.1\r\n{H}\r\n"),
    (400, "CONNECT a HTTP/1.1\r\n{H}\r\n"),
    (400, "OPTIONS a:80 HTTP/1.1\r\n{H}\r\n"),
    (400, "GET /\u{e9} HTTP/1.1\r\n{H}\r\n"),
    // the request line (3)
    (400, "GET /\r\n{H}\r\n"),
    (400, "GET  / HTTP/1.1\r\n{H}\r\n"),
    (400, "GET / HTTP/1.1 \r\n{H}\r\n"),
    (400, "GET /a b HTTP/1.1\r\n{H}\r\n"),
    (400, " GET / HTTP/1.1\r\n{H}\r\n"),
    (400, "G(T / HTTP/1.1\r\n{H}\r\n"),
    (400, "GET / http/1.1\r\n{H}\r\n"),
    (400, "GET / HTTP/1\r\n{H}\r\n"),
    (400, "GET / HTTP/11\r\n{H}\r\n"),
    (505, "GET / HTTP/1.2\r\n{H}\r\n"),
    (505, "GET / HTTP/2.0\r\n{H}\r\n"),
    (505, "GET / HTTP/0.9\r\n{H}\r\n"),
    (400, "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n"),
    // framing (6.1 to 6.3)
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 3, 4\r\n\r\nabcd"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: +3\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: -3\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 0x3\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 3 3\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length:\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Content-Length: 99999999999999999999\r\n\r\nabc"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\n{H}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    (501, "POST / HTTP/1.1\r\n{H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.0\r\n{H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    // lines and fields (2.2, 5)
    (400, "GET / HTTP/1.1\n{H}\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}\n"),
    (400, "\nGET / HTTP/1.1\r\n{H}\r\n"),
    (400, "\rGET / HTTP/1.1\r\n{H}\r\n"),
    (400, "GET / HTTP/1.1\r{H}\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\r2\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\u{0}2\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\u{1}2\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\u{7f}2\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A : 1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A\t: 1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\r\n folded\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A: 1\r\n\tfolded\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n A: 1\r\n{H}\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}: 1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A\u{0}: 1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}A(: 1\r\n\r\n"),
    (417, "POST / HTTP/1.1\r\n{H}Expect: a miracle\r\nContent-Length: 1\r\n\r\n1"),
    // WebSocket handshakes (RFC 6455, 4.2.1)
    (400, "POST / HTTP/1.1\r\n{H}{W}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}{W}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n{H}{W}Sec-WebSocket-Version: 13\r\n\r\n"),
    (426, "GET / HTTP/1.1\r\n{H}{W}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
];

/// Chunked bodies that are none. The application has asked for them, and gets no complete body.
const CHUNKS: &[&str] = &[
    "x\r\n",
    "\r\n",
    "-1\r\na\r\n",
    "+1\r\na\r\n",
    "0x1\r\na\r\n",
    " 1\r\na\r\n",
    "1 \r\na\r\n",
    "1\na\r\n",
    "1\r\na\n",
    "1\r\nab\r\n",
    "1\r\na\rb",
    "10000000000000000\r\n",
    "ffffffffffffffffff\r\n",
    "1;\u{0}\r\na\r\n",
    "1;a\rb\r\na\r\n",
    "0\r\n\n",
    "0\r\nA: 1\n\r\n",
    "0\r\nA : 1\r\n\r\n",
    "0\r\n A: 1\r\n\r\n",
    "0\r\nA: \u{0}\r\n\r\n",
];

fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace("{H}", "Host: a\r\n").replace("{W}", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    // One byte for each character: what is no text is sent as it is.
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Sends the pieces and something behind them, and sees that the connection ends with this refusal.
fn refused(worker: &Worker, pieces: &[&[u8]], status: u16) {
    let shown = || String::from_utf8_lossy(&pieces.concat()).into_owned();
    let mut client = Client::of(worker);
    client.stream.set_nodelay(true).unwrap();
    for piece in pieces {
        client.send(piece);
        if pieces.len() > 1 {
            // So that they do not come together; if they do, this is another case that has to pass.
            std::thread::sleep(Duration::from_micros(300));
        }
    }
    client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = client.reply();
    assert_eq!(reply.status, status, "{} is answered with {reply:?}", shown());
    assert!(reply.closes() && reply.field("date").is_some(), "{} is answered with {reply:?}", shown());
    assert_eq!(reply.field("content-type"), Some("text/plain; charset=utf-8"));
    assert!((2..200).contains(&reply.body.len()) && reply.body.ends_with(b"\n"), "{reply:?}");
    let upgrade = (status == 426).then_some("websocket");
    assert_eq!((reply.field("upgrade"), reply.field("sec-websocket-version")), (upgrade, upgrade.and(Some("13"))));
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.closed();
}

fn seen(worker: &Worker) -> String {
    Client::of(worker).get("/seen").text().to_owned()
}

#[test]
fn what_is_no_request_is_refused_and_the_application_sees_nothing() {
    let worker = serve("probe", json!({}));
    for (status, text) in CASES {
        refused(&worker, &[&bytes(text)], *status);
        assert_eq!(seen(&worker), "0", "{text:?} was seen");
    }
}

#[test]
fn pieces_are_refused_as_the_whole_is() {
    let worker = serve("probe", json!({}));
    for (status, text) in CASES.iter().step_by(3) {
        let bytes = bytes(text);
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        // What is wrong early is refused before the rest comes, and the rest is then in nobody's way.
        for cut in (1..end).step_by(2) {
            refused(&worker, &[&bytes[..cut], &bytes[cut..]], *status);
        }
    }
    assert_eq!(seen(&worker), "0");
}

#[test]
fn a_body_that_is_none_is_refused_in_its_middle() {
    let worker = serve("probe", json!({}));
    let long = format!("1;{}\r\na\r\n", "x".repeat(5000));
    let many = format!("1;{}\r\na\r\n", "x".repeat(200)).repeat(100);
    for body in CHUNKS.iter().copied().chain([long.as_str(), many.as_str()]) {
        let head = b"POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        refused(&worker, &[head, &bytes(body)], 400);
        let good = b"POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
        refused(&worker, &[good, &bytes(body)], 400);
        // Whatever its client would like to speak afterwards.
        let upgrade = b"POST /collect HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        refused(&worker, &[upgrade, &bytes(body)], 400);
    }
    let trailer = format!("0\r\n{}\r\n", "A: 1\r\n".repeat(2000));
    refused(
        &worker,
        &[b"POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", trailer.as_bytes()],
        431,
    );
}

#[test]
fn what_looks_odd_and_is_right_is_served() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    for text in [
        "\r\nGET / HTTP/1.1\r\n{H}\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n{H}\r\n",
        "GET / HTTP/1.1\r\n{H}A:\t1 2\t\r\n\r\n",
        "GET / HTTP/1.1\r\n{H}A: \u{e9}\r\n\r\n",
        "POST / HTTP/1.1\r\n{H}Transfer-Encoding: CHUNKED\r\n\r\n1 ;a=\"b\"\r\nx\r\n000\r\n\r\n",
        "POST / HTTP/1.1\r\n{H}Content-Length: 003\r\n\r\nabc",
        "GET / HTTP/1.1\r\n{H}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "POST / HTTP/1.1\r\n{H}Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let reply = client.send(bytes(text)).reply();
        assert_eq!((reply.status, reply.text(), reply.closes()), (200, "ok\n", false), "{text:?}");
    }
}
