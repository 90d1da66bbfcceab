//! Requests that do not wait for the answers to earlier ones, and connections that end in many ways.

use crate::client::Client;
use crate::seat::serve;
use serde_json::json;
use std::net::Shutdown;
use std::time::Duration;

#[test]
fn a_thousand_requests_in_one_write_are_answered_in_order() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    let all: String = (0..1000).map(|n| format!("GET /line?{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(all);
    for n in 0..1000 {
        assert_eq!(client.reply().text(), format!("GET /line?{n}"));
    }
}

#[test]
fn slow_answers_and_bodies_in_between_keep_the_order() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send(
        "GET /line?1 HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /sleep/100 HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
         POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\r\n\
         POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
         POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
         GET /bytes/200000 HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /line?2 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.reply().text(), "GET /line?1");
    assert_eq!(client.reply().status, 200);
    assert_eq!(client.reply().text(), "5 {}");
    assert_eq!(client.reply().text(), "3 {}");
    assert_eq!(client.reply().text(), "ignored\n");
    assert_eq!(client.reply().text(), "ignored\n");
    assert_eq!(client.reply().body.len(), 200_000);
    assert_eq!(client.reply().text(), "GET /line?2");
}

#[test]
fn nothing_is_answered_after_a_close() {
    for (request, saw) in [("/ HTTP/1.1\r\nConnection: close", 2), ("/close HTTP/1.1", 2), ("/ HTTP/1.0", 2)] {
        let worker = serve("probe", json!({}));
        let mut client = Client::of(&worker);
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET {request}\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        assert!(!client.reply().closes());
        assert!(client.reply().closes(), "{request}");
        client.stream.shutdown(Shutdown::Write).unwrap();
        client.closed();
        assert_eq!(Client::of(&worker).get("/seen").text(), saw.to_string(), "{request}");
    }
}

#[test]
fn a_refusal_comes_after_the_answers_before_it() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send("GET /line?1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply().text(), "GET /line?1");
    let refusal = client.reply();
    assert_eq!((refusal.status, refusal.closes()), (400, true));
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.closed();
}

#[test]
fn an_upgrade_does_not_swallow_the_answers_before_it() {
    let worker = serve("router", json!({}));
    let mut client = Client::of(&worker);
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    );
    assert_eq!(client.reply().text(), "hello\n");
    assert_eq!(client.reply().status, 101);
}

#[test]
fn an_answer_that_fails_does_not_take_the_one_before_it_along() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send("GET /line?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /fails/first HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply().text(), "GET /line?1");
    assert_eq!(client.reply().status, 500);
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.closed();
}

#[test]
fn a_client_that_has_shut_its_side_gets_what_is_there_at_once() {
    let worker = serve("probe", json!({}));
    for (path, length) in [("/bytes/10", 10), ("/bytes/30000000", 30_000_000)] {
        let mut client = Client::of(&worker);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.stream.shutdown(Shutdown::Write).unwrap();
        // The client is slower than the server.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(client.reply().body.len(), length);
        client.closed();
    }
}

#[test]
fn a_client_that_leaves_ends_its_request() {
    let worker = serve("probe", json!({ "requests": { "limit_concurrency": 1 } }));
    for path in ["/sleep/60000", "/stream/3/60000", "/late/60000"] {
        let mut client = Client::of(&worker);
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"));
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(Client::of(&worker).get("/").status, 503, "{path}");
        drop(client);
        crate::seat::wait_for(|| (Client::of(&worker).get("/").status == 200).then_some(()))
            .unwrap_or_else(|| panic!("{path} goes on"));
    }
}

#[test]
fn old_clients_are_kept_if_they_ask_for_it() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text(), reply.field("connection")), ("ok\n", Some("keep-alive")));
    // A length that nobody knows is the end of the connection.
    client.send("GET /stream/3/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text(), reply.closes()), ("piecepiecepiece", true));
}

#[test]
fn an_old_client_sees_a_stream_that_breaks_off() {
    let worker = serve("probe", json!({ "graceful_timeout": 0.2 }));
    let broken = |client: &mut Client| {
        let mut all = Vec::new();
        let error = std::io::Read::read_to_end(&mut client.stream, &mut all).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    };
    let mut failing = Client::of(&worker);
    failing.send("GET /fails/later HTTP/1.0\r\n\r\n");
    broken(&mut failing);
    let mut cut = Client::of(&worker);
    cut.send("GET /stream/3/60000 HTTP/1.0\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    worker.signal(rustcorn::types::Signal::TERM);
    broken(&mut cut);
}
