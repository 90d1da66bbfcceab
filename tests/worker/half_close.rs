//! Clients that shut their sending side: who waits for an answer gets it, and who has left is noticed.

use crate::client::Client;
use crate::seat::{Start, Worker, answer, serve, start};
use rustcorn::abi::Report;
use serde_json::json;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Asks, shuts the sending side, and reads to the end.
fn asked_with_half_a_close(worker: &Worker, request: &str) -> String {
    let mut client = Client::of(worker);
    client.send(request);
    client.stream.shutdown(Shutdown::Write).unwrap();
    let mut all = String::new();
    client.stream.read_to_string(&mut all).unwrap();
    all
}

#[test]
fn a_client_that_has_said_all_is_answered() {
    let worker = serve("probe", json!({}));
    let quick = asked_with_half_a_close(&worker, "GET /sleep/30 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(quick.starts_with("HTTP/1.1 200 OK\r\n") && quick.contains("\r\nconnection: close\r\n"), "{quick}");
    // One that waits longer is asked whether it is still there, by what every client has to ignore.
    let slow = asked_with_half_a_close(&worker, "GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    let rest = slow.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").expect("an interim response");
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n") && !rest.contains("100"), "{slow}");
    // A body of many pieces comes whole.
    let stream = asked_with_half_a_close(
        &worker,
        "POST /late/50 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody\
         GET /stream/3/300 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(stream.starts_with("HTTP/1.1 200 OK\r\n") && stream.contains("4 {}"), "{stream}");
}

#[test]
fn what_is_not_complete_is_not_answered() {
    let worker = serve("probe", json!({}));
    for request in [
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5",
    ] {
        assert_eq!(asked_with_half_a_close(&worker, request), "", "{request}");
    }
}

/// How long it takes until the handler of a client that leaves is dropped.
fn noticed(worker: &Worker, leave: impl FnOnce()) -> Duration {
    let before = worker.log().matches("the handler is dropped").count();
    // The request is at work, or at least on its way, when its client leaves.
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    leave();
    let more = || (worker.log().matches("the handler is dropped").count() > before).then_some(());
    crate::seat::wait_for(more).expect("the handler is dropped");
    begun.elapsed()
}

#[test]
fn who_has_left_altogether_is_noticed() {
    let worker = serve("router", json!({}));
    let mut client = Client::of(&worker);
    client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    let took = noticed(&worker, || drop(client));
    assert!(took < Duration::from_secs(3), "{took:?}");
    // There can be no interim response to this one, and nothing else tells.
    let mut client = Client::of(&worker);
    client.send("GET /held HTTP/1.0\r\nHost: a\r\n\r\n");
    let took = noticed(&worker, || client.stream.shutdown(Shutdown::Write).unwrap());
    assert!(took < Duration::from_secs(3), "{took:?}");
    // It is still there at first.
    let mut client = Client::of(&worker);
    client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.bytes(25).unwrap(), b"HTTP/1.1 100 Continue\r\n\r\n");
    client.is_silent_for(Duration::from_millis(300));
    drop(client);
    // The next thing that it is sent tells; until then nobody can know, and the drain does not wait.
    worker.signal(rustcorn::types::Signal::QUIT);
}

#[test]
fn a_unix_socket_tells_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let worker = unix("router", &path);
    for version in ["1.0", "1.1"] {
        let ask = |path: &str| format!("GET {path} HTTP/{version}\r\nHost: a\r\n\r\n");
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(ask("/sleep/600").as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert!(answer(&mut client).head.starts_with("HTTP/1.1 200 OK\r\n"), "{version}");
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(ask("/held").as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let took = noticed(&worker, || drop(client));
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

#[test]
fn over_a_unix_socket_a_response_that_has_begun_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let worker = unix("probe", &path);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"GET /stream/3/300 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut got = vec![0; 12];
    client.read_exact(&mut got).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    client.read_to_end(&mut got).unwrap();
    let got = String::from_utf8(got).unwrap();
    assert!(got.starts_with("HTTP/1.1 200") && got.ends_with("\r\n0\r\n\r\n"), "{got}\n{}", worker.log());
}

fn unix(app: &str, path: &Path) -> Worker {
    let mut worker = start(Start { app, unix: Some(path), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    worker
}
