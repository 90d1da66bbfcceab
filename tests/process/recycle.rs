//! Workers that have served long enough: the replacement serves first, then the old one leaves.

use crate::kit::*;

/// Watches one worker until it is gone; its successor must have been ready by then. The two overlap for a few
/// milliseconds only, so the order of the log says it, not a look at the processes.
#[track_caller]
fn replaced(server: &Server, old: i32, limit: Duration) {
    wait_until("the worker is replaced", limit, || {
        let now = server.workers();
        assert!(!now.is_empty(), "nobody was there: the old one left before its successor came");
        (!now.contains(&old)).then_some(())
    });
    let exit = format!("Worker (pid:{old}) exited");
    server.wait_log(&[&exit]);
    let log = server.log();
    let lines: Vec<&str> = log.lines().collect();
    let first = |what: &dyn Fn(&str) -> bool| lines.iter().position(|line| what(line));
    let left = first(&|line| line.contains(&exit)).expect("waited for");
    let own = format!("(pid:{old},");
    let successor = first(&|line| line.contains(" ready (pid:") && !line.contains(&own)).expect("a successor");
    assert!(successor < left, "the old one left before its successor was ready:\n{log}");
}

#[test]
fn max_requests_replaces_a_worker_after_so_many() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --max-requests 10");
    let old = server.wait_ready(1)[0].pid;
    let mark = server.mark();
    for _ in 0..10 {
        assert_eq!(server.get("/").status, 200);
    }
    replaced(&server, old, SOON);
    server.wait_log_since(mark, &["max_requests"], SOON);
    server.wait_ready(1);
    server.finish();
}

#[test]
fn max_worker_lifetime_replaces_a_worker_at_its_age() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --max-worker-lifetime 2");
    let old = server.wait_ready(1)[0].pid;
    let begun = Instant::now();
    replaced(&server, old, SOON);
    assert!(begun.elapsed() > ms(1000), "after {:?}", begun.elapsed());
    server.wait_log(&["max_worker_lifetime"]);
    server.finish();
}

#[test]
fn max_rss_replaces_a_worker_that_grew() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").args("--workers 1 --max-rss 200M").start();
    let old = server.wait_ready(1)[0].pid;
    wait::stays_so("a small worker stays", secs(1), || server.workers() == [old]);
    assert_eq!(server.get("/grow/250").status, 200);
    replaced(&server, old, SOON);
    server.wait_log(&["max_rss"]);
    server.finish();
}

#[test]
fn max_rss_below_what_the_application_needs_is_no_storm() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --max-rss 1M");
    // After five that followed each other: 0, 0.5, 1, 2 and 4 s.
    server.wait_log(&["[WARNING]", "max_rss", "in 4.0 s; it was ready for", "less than the application needs"]);
    let boots = server.log().matches("Booting worker with pid").count();
    assert!(boots < 10, "{boots} workers were started");
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn a_replacement_that_cannot_boot_leaves_the_old_one_at_work() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:poisonable").args("--workers 1 --max-requests 10").start();
    let old = server.workers();
    lab.write("poison", "");
    let mark = server.mark();
    for _ in 0..15 {
        assert_eq!(server.get("/").status, 200);
    }
    server.wait_log_since(mark, &["SIGABRT"], SOON);
    for _ in 0..20 {
        assert_eq!(server.get("/").status, 200);
    }
    assert!(old.iter().all(|pid| proc::alive(*pid)), "the old one left without a successor");
    std::fs::remove_file(lab.path("poison")).expect("cured");
    proc::wait_gone(old[0], secs(60));
    assert_eq!(server.get("/").status, 200);
    server.finish();
}
