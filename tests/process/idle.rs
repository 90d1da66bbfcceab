//! An arbiter with nothing to do: small, and asleep.

use crate::kit::*;

#[test]
fn an_idle_arbiter_is_small_and_wakes_at_most_once_a_second() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 4");
    server.wait_ready(4);
    let before = proc::status_number(server.pid(), "voluntary_ctxt_switches");
    let span = secs(5);
    std::thread::sleep(span);
    let wakes = proc::status_number(server.pid(), "voluntary_ctxt_switches") - before;
    let rss = proc::status_number(server.pid(), "VmRSS");
    println!("idle arbiter with 4 workers: {rss} kB RSS, {wakes} wake-ups in {span:?}");
    assert!(wakes <= 5, "{wakes} wake-ups in {span:?}");
    assert!(rss < 8 * 1024, "{rss} kB RSS");
    assert_eq!(proc::status_number(server.pid(), "Threads"), 1);
    server.finish();
}

#[test]
fn the_arbiter_stays_single_threaded_through_everything() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    server.reload(2);
    server.signal(Signal::SIGTTIN);
    server.wait_ready(3);
    assert_eq!(proc::status_number(server.pid(), "Threads"), 1);
    server.finish();
}
