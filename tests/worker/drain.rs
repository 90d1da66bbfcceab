//! The end of a worker: nothing that was taken on is lost.

use crate::seat::{Start, Worker, answer, ask, closed, serve, start, try_answer};
use rustcorn::abi::Report;
use rustcorn::types::Signal;
use serde_json::json;
use std::io::{Read, Write};
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
fn an_idle_worker_says_that_it_leaves_before_it_is_gone() {
    for round in 0..40 {
        let mut worker = serve("router", json!({}));
        worker.signal(Signal::TERM);
        assert_eq!(worker.report(), Some(Report::Leaving), "in round {round}");
        assert_eq!(worker.exit().0.code(), Some(0));
    }
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

/// Blocks the worker, lets `count` clients queue up, and tells the worker to leave.
fn queue_up(worker: &Worker, count: usize, path: &str) -> Vec<TcpStream> {
    ask(&mut worker.connect(), "/block/300");
    let mut queued: Vec<TcpStream> = (0..count).map(|_| worker.connect()).collect();
    queued.iter_mut().for_each(|stream| ask(stream, path));
    worker.signal(Signal::TERM);
    queued
}

#[test]
fn the_queue_of_a_peers_lane_is_emptied_too() {
    let mut worker = start(Start { lane: 3, peer: Some(3), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let mut queued: Vec<TcpStream> = (0..5).map(|_| worker.connect()).collect();
    queued.iter_mut().for_each(|stream| ask(stream, "/"));
    worker.signal(Signal::TERM);
    for stream in &mut queued {
        assert_eq!(answer(stream).status, 200);
    }
    drop(queued);
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn the_last_sweep_goes_on_when_there_are_descriptors_again() {
    let mut worker = start(Start { descriptors: Some(24), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let mut queued = queue_up(&worker, 60, "/sleep/50");
    for stream in &mut queued {
        assert_eq!(answer(stream).status, 200);
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    }
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cannot accept connections at the moment");
}

#[test]
fn the_last_sweep_respects_the_limit_of_connections() {
    let mut worker = serve("router", json!({ "worker_connections": 2 }));
    let queued = queue_up(&worker, 6, "/sleep/300");
    let begun = Instant::now();
    for mut stream in queued {
        assert_eq!(answer(&mut stream).status, 200);
    }
    // Three rounds of two; without the limit, one.
    assert!(begun.elapsed() >= Duration::from_millis(850), "{:?}", begun.elapsed());
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn a_full_worker_leaves_the_rest_to_a_live_peer() {
    let limit = json!({ "worker_connections": 2, "graceful_timeout": 10 });
    let mut worker = start(Start { orders: limit, peer: Some(0), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let queued = queue_up(&worker, 6, "/sleep/300");
    // Nobody holds the socket besides us, so whom we leave in its queue is reset.
    let answered = queued.into_iter().filter_map(|mut stream| try_answer(&mut stream).ok()).count();
    assert!((1..=2).contains(&answered), "{answered}");
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn a_long_keepalive_ends_before_the_grace_and_is_no_loss() {
    let mut worker = serve("router", json!({ "keepalive": 60, "graceful_timeout": 2 }));
    let mut idle = worker.connect();
    ask(&mut idle, "/");
    answer(&mut idle);
    worker.signal(Signal::TERM);
    let begun = Instant::now();
    closed(&mut idle);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(800) && took < Duration::from_millis(1800), "{took:?}");
    drop(idle);
    assert_eq!(worker.exit().0.code(), Some(0));
    assert!(!worker.log().contains(" cuts "), "{}", worker.log());
}

#[test]
fn half_a_head_does_not_hold_the_worker() {
    let mut worker = serve("router", json!({ "keepalive": 1 }));
    let mut silent = worker.connect();
    silent.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let mut dripping = worker.connect();
    ask(&mut dripping, "/");
    answer(&mut dripping);
    worker.signal(Signal::TERM);
    let drip = std::thread::spawn(move || {
        dripping.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
        while dripping.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let mut got = String::new();
    silent.read_to_string(&mut got).unwrap();
    assert!(got.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{got}");
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    drip.join().unwrap();
}

#[test]
fn an_answer_that_is_not_sent_completely_is_in_flight() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.5 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/bytes/50000000");
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    worker.signal(Signal::TERM);
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection after the graceful timeout of 0 s, with 1 request in flight: GET /bytes/50");
}

#[test]
fn a_quick_stop_says_what_it_cut() {
    let mut worker = serve("router", json!({}));
    ask(&mut worker.connect(), "/block/100");
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/60000");
    let mut idle = worker.connect();
    ask(&mut idle, "/");
    answer(&mut idle);
    worker.signal(Signal::QUIT);
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection on a quick stop, with 1 request in flight: GET /sleep/60000 (0.");
}

#[test]
fn an_upgraded_connection_is_cut_and_named() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.5 }));
    let mut stream = worker.connect();
    stream.write_all(b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).status, 101);
    worker.signal(Signal::TERM);
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection after the graceful timeout of 0 s, with 0 requests in flight");
}

#[test]
fn the_hook_has_its_time_inside_the_grace() {
    let mut worker = serve("hooked", json!({ "graceful_timeout": 2 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/60000");
    worker.signal(Signal::TERM);
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_millis(1900), "{took:?}");
    worker.expect_log("cuts 1 connection after 1.0 s of the graceful timeout of 2 s (the rest is for");
    worker.expect_log("the hook has run");
}

#[test]
fn a_hook_that_panics_is_logged() {
    let mut worker = serve("panicking_hook", json!({}));
    worker.signal(Signal::TERM);
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("a hook panics");
    worker.expect_log("The panic was in the application's shutdown hook");
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
    // An idle client loses nothing, and is no news.
    closed(&mut other);
    assert!(try_answer(&mut stream).is_err());
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log(
        "cuts 1 connection after the graceful timeout of 0 s, with 1 request in flight: GET /sleep/60000 (0.",
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
    worker.expect_log("shutdown hook has not ended within 0.2 s");
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
