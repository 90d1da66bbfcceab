//! What the sentinel does while the event loop is stuck.

use crate::seat::{ask, serve};
use rustcorn::abi::Report;
use rustcorn::types::Signal;
use serde_json::json;
use std::time::Duration;

#[test]
fn quit_ends_a_blocked_worker() {
    for signal in [Signal::QUIT, Signal::INT] {
        let mut worker = serve("router", json!({}));
        ask(&mut worker.connect(), "/block/60000");
        worker.signal(signal);
        assert_eq!(worker.report(), Some(Report::Leaving));
        let (status, took) = worker.exit();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_millis(1900), "{took:?}");
    }
}

#[test]
fn a_lost_arbiter_ends_an_idle_worker_at_once() {
    let mut worker = serve("router", json!({}));
    worker.abandon();
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_lost_arbiter_ends_a_blocked_worker_within_the_grace() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.5 }));
    ask(&mut worker.connect(), "/block/60000");
    worker.abandon();
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn the_stack_of_a_blocked_worker_names_the_culprit() {
    for threads in [1, 2] {
        let mut worker = serve("router", json!({ "threads": threads }));
        let mut stream = worker.connect();
        ask(&mut stream, "/block/3000");
        // It blocks when it does not answer any more; with several threads, when it sleeps in the handler.
        std::thread::sleep(Duration::from_millis(300));
        worker.signal(Signal::PWR);
        assert_eq!(worker.report(), Some(Report::Traced));
        worker.expect_log("Stack of worker 2 (pid ");
        worker.expect_log("blocks_on_purpose");
    }
}

#[test]
fn logs_are_reopened() {
    let worker = serve("router", json!({}));
    let path = worker.log_path();
    let moved = path.with_extension("1");
    std::fs::rename(&path, &moved).unwrap();
    worker.signal(Signal::USR1);
    crate::seat::wait_for(|| path.exists().then_some(())).unwrap();
    worker.get("/panic");
    worker.expect_log("a handler panics");
    std::fs::remove_file(moved).unwrap();
}
