//! From the fork to Ready, or to the sentence that says why not.

use crate::seat::{Start, serve, start};
use rustcorn::abi::Report;
use rustcorn::types::Signal;

fn failure(app: &str) -> String {
    let mut worker = start(Start { app, ..Start::default() });
    let Some(Report::BootFailed { code: 3, reason }) = worker.report() else { panic!("{}", worker.log()) };
    assert_eq!(worker.exit().0.code(), Some(3));
    reason
}

#[test]
fn an_async_fallible_factory_serves() {
    assert_eq!(serve("eventual", serde_json::json!({})).get("/").text(), "hello\n");
}

#[test]
fn a_factory_that_fails_says_why_with_all_causes() {
    assert_eq!(failure("refusing"), "the factory of refusing failed: the database is away: no route to host");
    assert_eq!(failure("boxed"), "the factory of boxed failed: only a text");
}

#[test]
fn a_factory_that_panics_says_where() {
    let reason = failure("panicking");
    assert!(reason.contains("panicked at tests/worker/apps.rs:"), "{reason}");
    assert!(reason.ends_with(": the factory panics"), "{reason}");
}

#[test]
fn what_a_factory_traces_is_in_the_log() {
    for threads in [1, 2] {
        let worker = serve("talking", serde_json::json!({ "threads": threads }));
        worker.expect_log("before the first await");
        worker.expect_log("after it");
        worker.get("/event");
        worker.expect_log("an event of the application");
        worker.get("/record");
        worker.expect_log("a record of a library");
        assert!(!worker.log().contains("too fine"), "{}", worker.log());
    }
}

#[test]
fn an_application_may_set_a_subscriber_of_its_own() {
    let worker = serve("listening", serde_json::json!({}));
    worker.get("/event");
    assert!(!worker.log().contains("an event of the application"), "{}", worker.log());
}

#[test]
fn a_panic_at_the_end_is_an_exit_code_and_not_an_abort() {
    let mut worker = serve("brittle", serde_json::json!({}));
    worker.signal(Signal::TERM);
    assert_eq!(worker.exit().0.code(), Some(101), "{}", worker.log());
    worker.expect_log("a service breaks");
}

#[test]
fn a_factory_that_hangs_can_be_stopped() {
    for signal in [Signal::TERM, Signal::QUIT] {
        let worker = &mut start(Start { app: "hanging", ..Start::default() });
        // The handlers are in place when the process has its sentinel.
        let threads = format!("/proc/{}/task", worker.pid());
        let sentinel = || {
            let mut names = std::fs::read_dir(&threads)
                .ok()?
                .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
            names.any(|name| name.trim() == "sentinel").then_some(())
        };
        crate::seat::wait_for(sentinel).unwrap();
        worker.signal(signal);
        assert_eq!(worker.exit().0.code(), Some(0));
    }
}

#[test]
fn an_arbiter_that_dies_during_the_boot_takes_the_worker_with_it() {
    let mut worker = start(Start { app: "hanging", ..Start::default() });
    worker.abandon();
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn a_worker_that_nobody_waits_for_leaves_before_it_serves() {
    let mut worker = start(Start { forgotten: true, ..Start::default() });
    let status = worker.exit().0;
    assert_eq!(status.code(), Some(1), "{}", worker.log());
    worker.expect_log("Nobody waits for worker");
}
