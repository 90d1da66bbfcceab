//! HTTP/2: requests, responses and their ends.

use crate::h2kit::{Client, get, run, whole};
use crate::seat::{serve, wait_for};
use h2::Reason;
use http::{Method, Request};
use rustcorn::types::Signal;
use serde_json::json;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

#[test]
fn requests_share_a_connection() {
    let worker = serve("router", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        let slow = client.ask(get("/sleep/300")).await;
        let begun = Instant::now();
        let got = client.get("/").await;
        assert_eq!((got.status.as_u16(), got.text()), (200, "hello\n"));
        assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
        assert_eq!(got.headers["server"], "rustcorn");
        assert_eq!(got.headers["content-length"], "6");
        assert!(got.headers.contains_key("date"));
        assert_eq!(whole(slow).await.unwrap().status, 200);
        let large = client.get("/bytes/3000000").await;
        assert_eq!(large.body.unwrap().len(), 3_000_000);
        assert_eq!(client.send.current_max_send_streams(), 100);
    });
}

#[test]
fn several_threads_serve_too() {
    let worker = serve("router", json!({ "threads": 3 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        for _ in 0..50 {
            let asked = [client.ask(get("/")).await, client.ask(get("/bytes/50000")).await];
            for asked in asked {
                assert_eq!(whole(asked).await.unwrap().status, 200);
            }
        }
    });
}

#[test]
fn server_and_date_are_settings() {
    let worker = serve("router", json!({ "requests": { "server_header": false, "date_header": false } }));
    run(async {
        let got = Client::connect(&worker).await.get("/").await;
        assert!(!got.headers.contains_key("server") && !got.headers.contains_key("date"), "{got:?}");
    });
}

#[test]
fn the_application_sees_one_host_and_one_cookie() {
    let worker = serve("router", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        let request = Request::get("http://test:81/fields").header("cookie", "a=1").header("cookie", "b=2");
        let asked = client.ask(request.body(()).unwrap()).await;
        assert_eq!(whole(asked).await.unwrap().text(), "test:81 a=1; b=2");
        let request = Request::get("http://test/fields").header("host", "other");
        let asked = client.ask(request.body(()).unwrap()).await;
        let got = whole(asked).await.unwrap();
        assert_eq!((got.status.as_u16(), got.text()), (400, "The Host field differs from the request's target.\n"));
        // The refusal was that request's alone.
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn a_response_has_a_body_only_where_it_may() {
    let worker = serve("bodied", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        for (method, path, status, length) in [
            (Method::GET, "/200", 200, Some("6")),
            (Method::HEAD, "/200", 200, Some("6")),
            (Method::GET, "/204", 204, None),
            (Method::GET, "/304", 304, None),
            (Method::HEAD, "/short", 200, Some("10")),
        ] {
            let request = Request::builder().method(&method).uri(format!("http://test{path}")).body(()).unwrap();
            let asked = client.ask(request).await;
            let got = whole(asked).await.unwrap();
            let body = if method == Method::GET && status == 200 { "whole\n" } else { "" };
            assert_eq!((got.status.as_u16(), got.text()), (status, body), "{method} {path}");
            let said = got.headers.get("content-length").map(|length| length.to_str().unwrap());
            assert_eq!(said, length, "{method} {path}");
        }
        assert_eq!(client.get("/103").await.status, 500);
        worker.expect_log("has the status 103 Early Hints, which is no answer here");
    });
}

/// How a response ends that is not whole. Its head may be lost with its stream.
async fn torn(client: &mut Client, path: &str) -> Option<Reason> {
    let asked = client.ask(get(path)).await;
    whole(asked).await.and_then(|got| got.body).err()
}

#[test]
fn a_body_that_differs_from_its_length_is_reset() {
    let worker = serve("bodied", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        assert_eq!(torn(&mut client, "/short").await, Some(Reason::INTERNAL_ERROR));
        worker.expect_log("The response to GET /short from 127.0.0.1:");
        worker.expect_log("failed midway: is shorter than its Content-Length says");
        assert_eq!(torn(&mut client, "/long").await, Some(Reason::INTERNAL_ERROR));
        worker.expect_log("failed midway: is longer than its Content-Length says");
        assert_eq!(client.get("/").await.text(), "whole\n");
    });
}

#[test]
fn a_handler_that_fails_harms_nobody_else() {
    let worker = serve("router", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        let other = client.ask(get("/sleep/300")).await;
        let got = client.get("/panic").await;
        assert_eq!((got.status.as_u16(), got.text()), (500, "Internal Server Error\n"));
        assert!(!got.headers.contains_key("connection"));
        let torn = client.get("/torn").await;
        assert_eq!((torn.status.as_u16(), torn.body), (200, Err(Reason::INTERNAL_ERROR)));
        worker.expect_log("The panic was in the answer to GET /torn from");
        assert_eq!(whole(other).await.unwrap().status, 200);
    });
}

#[test]
fn a_cancelled_request_is_dropped_and_the_others_live() {
    let worker = serve("router", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        let other = client.ask(get("/sleep/500")).await;
        let (response, mut stream) =
            client.send.clone().ready().await.unwrap().send_request(get("/held"), true).unwrap();
        // Its handler runs: what came later on the same connection was answered.
        assert_eq!(client.get("/").await.status, 200);
        stream.send_reset(Reason::CANCEL);
        drop(response);
        let dropped = || worker.log().contains("the handler is dropped").then_some(());
        while dropped().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(whole(other).await.unwrap().status, 200);
    });
}

#[test]
fn a_draining_worker_says_goaway_and_answers() {
    let mut worker = serve("router", json!({ "keepalive": 60 }));
    run(async {
        let mut busy = Client::connect(&worker).await;
        let asked = busy.ask(get("/sleep/700")).await;
        let mut idle = Client::connect(&worker).await;
        assert_eq!(idle.get("/").await.status, 200);
        let begun = Instant::now();
        worker.signal(Signal::TERM);
        // No race is to be feared, so an idle connection is not left open.
        idle.connection.await.unwrap().unwrap();
        assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
        assert_eq!(whole(asked).await.unwrap().status, 200);
        busy.connection.await.unwrap().unwrap();
    });
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!worker.log().contains(" cuts "), "{}", worker.log());
}

#[test]
fn what_is_left_at_the_end_of_the_grace_is_cut_and_named() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.5 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let held = client.ask(get("/held")).await;
        assert_eq!(client.get("/").await.status, 200);
        worker.signal(Signal::TERM);
        assert!(whole(held).await.is_err());
    });
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection after the graceful timeout of 0 s, with 1 request in flight: GET /held (0.");
}

#[test]
fn without_tls_it_can_be_off() {
    let worker = serve("router", json!({ "http2": { "cleartext": false } }));
    let mut stream = worker.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut got = String::new();
    stream.read_to_string(&mut got).unwrap();
    assert!(got.starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"), "{got}");
    assert!(got.ends_with("HTTP/2 is not spoken on this connection.\n"), "{got}");
}

#[test]
fn requests_are_counted() {
    let mut worker = serve("router", json!({ "max_requests": 3 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        for _ in 0..3 {
            assert_eq!(client.get("/bytes/100000").await.status, 200);
        }
    });
    let report = wait_for(|| worker.report()).unwrap();
    let expected = "it has answered 3 requests (max_requests)";
    assert!(matches!(&report, rustcorn::abi::Report::Recycle { reason, .. } if reason == expected), "{report:?}");
}
