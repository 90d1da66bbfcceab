//! A worker that does nothing any more: what it was doing is logged, then it goes, and another takes its place.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

#[test]
fn a_hung_worker_tells_its_request_and_its_function_before_it_is_ended() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --timeout 1");
    let before = server.wait_ready(2);
    let mark = server.mark();
    let begun = Instant::now();
    let blocked = server.get_later("/block/60000");
    let line = server.wait_log_since(mark, &["WORKER TIMEOUT (pid:"], SOON);
    assert!(line.contains("[CRITICAL]"), "{line}");
    assert!(begun.elapsed() > ms(900) && begun.elapsed() < secs(5), "noticed after {:?}", begun.elapsed());
    server.wait_log_since(mark, &["GET", "/block/60000"], SOON);
    server.wait_log_since(mark, &["blocks_on_purpose"], SOON);
    server.wait_log_since(mark, &["SIGABRT"], SOON);
    assert!(blocked.join().expect("no panic").is_err(), "the hung request was answered");
    let after = server.wait_ready(2);
    assert_eq!(after.iter().filter(|worker| before.iter().any(|old| old.pid == worker.pid)).count(), 1);
    server.finish();
}

#[test]
fn the_trace_names_lines_of_the_application() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --timeout 1");
    let blocked = server.get_later("/block/60000");
    server.wait_log(&["blocks_on_purpose"]);
    let log = server.log();
    assert!(log.contains("src/lib.rs:"), "no line of the application in:\n{log}");
    assert!(blocked.join().expect("no panic").is_err());
    server.finish();
}

#[test]
fn a_slow_request_that_waits_politely_is_not_a_hung_worker() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --timeout 1");
    let before = server.wait_ready(1);
    assert_eq!(server.get("/sleep/4000").status, 200);
    assert_eq!(server.wait_ready(1), before);
    assert!(!server.log().contains("WORKER TIMEOUT"));
    server.finish();
}

#[test]
fn an_idle_worker_is_not_a_hung_worker() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --timeout 1");
    let before = server.wait_ready(2);
    wait::stays_so("the same workers", secs(4), || server.workers().len() == 2);
    assert_eq!(server.wait_ready(2), before);
    server.finish();
}

#[test]
fn a_worker_that_cannot_even_abort_is_killed() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --timeout 1");
    let victim = server.wait_ready(2)[0].pid;
    // Stopped: no signal but KILL does anything to it.
    kill(Pid::from_raw(victim), Signal::SIGSTOP).expect("it lives");
    server.wait_log(&["WORKER TIMEOUT", &victim.to_string()]);
    proc::wait_gone(victim, secs(15));
    server.wait_crew(2, |worker| worker.pid != victim);
    server.finish();
}

#[test]
fn zero_switches_the_timeout_off() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --timeout 0");
    let before = server.wait_ready(1);
    assert_eq!(server.get("/block/3000").status, 200);
    assert_eq!(server.wait_ready(1), before);
    server.finish();
}

#[test]
fn pwr_makes_a_worker_log_its_stacks_and_live_on() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let before = server.wait_ready(1);
    let mark = server.mark();
    let blocked = server.get_later("/block/1500");
    wait_until("the worker blocks", SOON, || http::get(&server.address(), "/", ms(100)).is_err().then_some(()));
    kill(Pid::from_raw(before[0].pid), Signal::SIGPWR).expect("it lives");
    server.wait_log_since(mark, &["blocks_on_purpose"], SOON);
    assert_eq!(blocked.join().expect("no panic").expect("an answer").status, 200);
    assert_eq!(server.wait_ready(1), before);
    server.finish();
}
