//! Bodies in both directions: how they are framed, and what becomes of those that are not read or not right.

use crate::client::Client;
use crate::seat::serve;
use serde_json::json;
use std::net::Shutdown;
use std::time::Duration;

#[test]
fn a_chunked_request_and_its_trailers_are_seen() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    let body = "5\r\nhello\r\n00A;name=\"value\"\r\n0123456789\r\n0\r\nSum: 7\r\n\r\n";
    let head = "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}{body}"));
    assert_eq!(client.reply().text(), "15 {\"sum\": \"7\"}");
    // In as many pieces as there can be.
    client.stream.set_nodelay(true).unwrap();
    client.send(head);
    for byte in body.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.reply().text(), "15 {\"sum\": \"7\"}");
}

#[test]
fn trailers_go_to_those_who_take_them() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    let reply = client.send("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n").reply();
    assert_eq!((reply.text(), reply.trailers.clone()), ("data", vec![("sum".to_owned(), "7".to_owned())]));
    let reply = client.get("/trailers");
    assert_eq!((reply.text(), reply.trailers.clone()), ("data", vec![]));
    let reply = client.send("GET /trailers HTTP/1.0\r\nTE: trailers\r\n\r\n").reply();
    assert_eq!((reply.text(), reply.closes()), ("data", true));
}

#[test]
fn large_bodies_both_ways() {
    let worker = serve("router", json!({}));
    let mut client = Client::of(&worker);
    let body = vec![b'b'; 1_500_000];
    let mut chunked = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(70_001) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    client.send(chunked);
    assert!(client.reply().body == body);
    client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len())).send(&body);
    assert!(client.reply().body == body);
}

#[test]
fn continue_is_said_when_the_application_reads_and_only_then() {
    let worker = serve("probe", json!({}));
    let head =
        |path: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let mut client = Client::of(&worker);
    client.send(head("/late/300")).is_silent_for(Duration::from_millis(200));
    assert_eq!(client.reply().status, 100);
    client.send("hello");
    assert_eq!(client.reply().text(), "5 {}");
    // Who sends without waiting is not told to.
    client.send(format!("{}hello", head("/late/50")));
    assert_eq!(client.reply().text(), "5 {}");
    // An answer without reading: the client keeps its body, so nothing may follow on this connection.
    client.send(head("/ignore"));
    let reply = client.reply();
    assert_eq!((reply.text(), reply.closes()), ("ignored\n", true));
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.closed();
    // HTTP/1.0 knows no such thing.
    let mut old = Client::of(&worker);
    old.send("POST /collect HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    old.is_silent_for(Duration::from_millis(100));
    assert_eq!(old.send("hello").reply().text(), "5 {}");
}

#[test]
fn a_body_that_nobody_reads_is_out_of_the_way() {
    let worker = serve("probe", json!({}));
    for body in ["Content-Length: 60000\r\n\r\n".to_owned() + &"x".repeat(60_000), {
        let chunk = format!("ea60\r\n{}\r\n", "y".repeat(60_000));
        format!("Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\nSum: 1\r\n\r\n")
    }] {
        let mut client = Client::of(&worker);
        client.send(format!("POST /ignore HTTP/1.1\r\nHost: a\r\n{body}"));
        let reply = client.reply();
        assert_eq!((reply.text(), reply.closes()), ("ignored\n", false));
        assert_eq!(client.get("/line").text(), "GET /line");
    }
}

#[test]
fn an_early_answer_arrives_though_the_client_sends_on() {
    let worker = serve("probe", json!({}));
    for version in ["1.0", "1.1\r\nHost: a\r\nConnection: close"] {
        for _ in 0..3 {
            let mut client = Client::of(&worker);
            client.send(format!("POST /ignore/3000000 HTTP/{version}\r\nContent-Length: 1000\r\n\r\n"));
            std::thread::sleep(Duration::from_millis(50));
            client.send("x".repeat(500));
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(client.reply().body.len(), 3_000_000);
            client.stream.shutdown(Shutdown::Write).unwrap();
            client.closed();
        }
    }
}

#[test]
fn a_body_that_ends_too_early_is_an_error_for_the_application() {
    let worker = serve("probe", json!({}));
    for head in ["Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let mut client = Client::of(&worker);
        client.send(format!("POST /collect HTTP/1.1\r\nHost: a\r\n{head}"));
        client.stream.shutdown(Shutdown::Write).unwrap();
        // A complete answer would say that the body was complete.
        client.closed();
    }
    assert_eq!(Client::of(&worker).get("/").status, 200);
}

#[test]
fn lengths_that_are_wrong_end_the_connection() {
    let worker = serve("probe", json!({ "keepalive": 60 }));
    let mut short = Client::of(&worker);
    short.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(short.try_reply(false).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    worker.expect_log("The response to GET /short from 127.0.0.1");
    let mut long = Client::of(&worker);
    assert_eq!(long.get("/long").text(), "long");
    long.closed();
    worker.expect_log("gives more than its Content-Length says");
}

#[test]
fn some_answers_have_no_body_whatever_the_application_gives() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send("HEAD /bytes/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.try_reply(true).unwrap().field("content-length"), Some("7"));
    let reply = client.get("/status/204");
    assert_eq!((reply.field("content-length"), reply.field("transfer-encoding")), (None, None));
    assert_eq!(client.get("/status/304").field("transfer-encoding"), None);
    assert_eq!(client.get("/line").text(), "GET /line");
}

#[test]
fn a_refusal_of_head_has_no_body() {
    let orders = json!({ "requests": { "request_timeout": 0.2, "limit_request_body": 10 } });
    let worker = serve("probe", orders);
    for (request, status) in [
        ("HEAD / HTTP/1.1\r\n\r\n", 400),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
        ("HEAD /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n", 504),
        ("HEAD /tells/size HTTP/1.1\r\nHost: a\r\n\r\n", 500),
    ] {
        let mut client = Client::of(&worker);
        let reply = client.send(request).try_reply(true).unwrap();
        assert_eq!((reply.status, reply.closes()), (status, true), "{request}");
        client.stream.shutdown(Shutdown::Write).unwrap();
        client.closed();
    }
}

#[test]
fn a_body_that_panics_when_asked_about_itself_is_a_500() {
    let worker = serve("probe", json!({ "requests": { "limit_concurrency": 1 } }));
    for how in ["size", "end"] {
        let mut client = Client::of(&worker);
        assert_eq!(client.get(&format!("/tells/{how}")).status, 500, "{how}");
        // It is not in flight any more.
        assert_eq!(Client::of(&worker).get("/").status, 200, "{how}");
    }
}

#[test]
fn a_failure_after_the_head_breaks_the_answer_off() {
    let worker = serve("probe", json!({}));
    let mut client = Client::of(&worker);
    client.send("GET /fails/later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.try_reply(false).is_err());
    assert_eq!(Client::of(&worker).get("/fails/first").status, 500);
}
