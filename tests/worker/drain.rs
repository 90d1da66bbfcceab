//! The end of a worker: nothing that was taken on is lost.

use crate::seat::{answer, ask, closed, serve, try_answer};
use rustcorn::types::Signal;
use serde_json::json;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn an_idle_worker_leaves_at_once() {
    let mut worker = serve("router", json!({}));
    worker.signal(Signal::TERM);
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn what_is_in_flight_is_answered_and_its_connection_closed() {
    let mut worker = serve("router", json!({}));
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/500");
    let mut idle = worker.connect();
    ask(&mut idle, "/");
    answer(&mut idle);
    worker.signal(Signal::TERM);
    let got = answer(&mut stream);
    assert_eq!((got.status, got.closes()), (200, true), "{}", got.head);
    closed(&mut stream);
    // An idle connection takes one more request.
    ask(&mut idle, "/");
    let got = answer(&mut idle);
    assert_eq!((got.status, got.closes()), (200, true), "{}", got.head);
    closed(&mut idle);
    drop((stream, idle));
    assert_eq!(worker.exit().0.code(), Some(0));
    assert!(TcpStream::connect(worker.address).is_err(), "the port is closed");
}

#[test]
fn the_accept_queue_is_emptied() {
    let mut worker = serve("router", json!({}));
    let mut blocker = worker.connect();
    ask(&mut blocker, "/block/500");
    let mut queued: Vec<TcpStream> = (0..20).map(|_| worker.connect()).collect();
    queued.iter_mut().for_each(|stream| ask(stream, "/"));
    worker.signal(Signal::TERM);
    for stream in &mut queued {
        assert_eq!(answer(stream).status, 200);
    }
    drop((queued, blocker));
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn idle_connections_are_left_until_their_time_ends() {
    let mut worker = serve("router", json!({ "keepalive": 1 }));
    let mut idle = worker.connect();
    ask(&mut idle, "/");
    answer(&mut idle);
    let begun = Instant::now();
    worker.signal(Signal::TERM);
    closed(&mut idle);
    assert!(begun.elapsed() >= Duration::from_millis(800), "{:?}", begun.elapsed());
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn what_is_left_at_the_end_of_the_grace_is_cut_and_named() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.3 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/60000");
    let mut other = worker.connect();
    ask(&mut other, "/");
    answer(&mut other);
    worker.signal(Signal::TERM);
    assert!(try_answer(&mut stream).is_err());
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log(
        "cuts 2 connections after the graceful timeout of 0 s, with 1 request in flight: GET /sleep/60000 (0.",
    );
}

#[test]
fn a_large_response_is_whole() {
    let mut worker = serve("router", json!({}));
    let mut stream = worker.connect();
    ask(&mut stream, "/bytes/20000000");
    worker.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(answer(&mut stream).body.len(), 20_000_000);
    closed(&mut stream);
    drop(stream);
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn the_shutdown_hook_runs() {
    for signal in [Signal::TERM, Signal::QUIT] {
        let mut worker = serve("hooked", json!({}));
        worker.signal(signal);
        assert_eq!(worker.exit().0.code(), Some(0));
        worker.expect_log("the hook has run");
    }
}

#[test]
fn a_stuck_shutdown_hook_is_abandoned() {
    let mut worker = serve("stuck_hook", json!({ "graceful_timeout": 0.1 }));
    worker.signal(Signal::TERM);
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    worker.expect_log("shutdown hook has not ended within 1.0 s");
}

#[test]
fn a_drain_becomes_quick_when_asked() {
    let mut worker = serve("stuck_hook", json!({}));
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/60000");
    worker.signal(Signal::TERM);
    worker.signal(Signal::TERM);
    assert!(worker.is_running());
    worker.signal(Signal::QUIT);
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_millis(1800), "{took:?}");
}
