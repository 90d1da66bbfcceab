//! How fast: the figures are printed, the limits are generous multiples, for a busy machine and an unoptimised build.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// In a debug build on a shared machine, the time that is allowed for what should take 20 ms.
const NOISE: Duration = ms(100);

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    spans[spans.len() / 2]
}

#[test]
fn a_killed_worker_s_replacement_serves_within_milliseconds() {
    let lab = Lab::alone();
    // One worker: any answer after the kill is its replacement's.
    let server = lab.serve("--workers 1");
    let spans: Vec<Duration> = (0..20)
        .map(|_| {
            let victim = server.wait_ready(1)[0].pid;
            let address = server.address();
            let begun = Instant::now();
            kill(Pid::from_raw(victim), Signal::SIGKILL).expect("it lives");
            wait_until("the replacement answers", SOON, || {
                let reply = http::get(&address, "/whoami", SOON).ok()?;
                (server::whoami(&reply).pid != victim).then_some(())
            });
            begun.elapsed()
        })
        .collect();
    let found = median(spans.clone());
    println!("kill -9 to the replacement's first answer, median of 20: {found:?} (best {:?})", spans.iter().min());
    assert!(found < NOISE, "median {found:?}: {spans:?}");
    server.finish();
}

#[test]
fn all_workers_killed_at_once_are_back_within_milliseconds_and_connections_wait() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 4");
    let spans: Vec<Duration> = (0..20)
        .map(|_| {
            let crew = server.wait_ready(4);
            let begun = Instant::now();
            for worker in &crew {
                kill(Pid::from_raw(worker.pid), Signal::SIGKILL).expect("it lives");
            }
            // Not refused: it waits in the accept queue that the arbiter keeps open.
            assert_eq!(server.get("/").status, 200);
            begun.elapsed()
        })
        .collect();
    let found = median(spans.clone());
    println!("4 workers killed at once to the first answer, median of 20: {found:?} (best {:?})", spans.iter().min());
    assert!(found < NOISE, "median {found:?}: {spans:?}");
    server.finish();
}

#[test]
fn a_whole_reload_of_two_workers_is_quick() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    let spans: Vec<Duration> = (0..20)
        .map(|_| {
            let old = server.workers();
            let begun = Instant::now();
            server.signal(Signal::SIGHUP);
            wait_until("two new workers, no old one", SOON, || {
                let now = server.workers();
                (now.len() == 2 && now.iter().all(|pid| !old.contains(pid))).then_some(())
            });
            let span = begun.elapsed();
            server.wait_ready(2);
            span
        })
        .collect();
    let found = median(spans.clone());
    println!("HUP to two new workers and no old one, median of 20: {found:?} (best {:?})", spans.iter().min());
    assert!(found < NOISE * 5, "median {found:?}: {spans:?}");
    server.finish();
}

#[test]
fn a_start_with_an_application_that_is_built_is_quick() {
    let lab = Lab::alone();
    let begun = Instant::now();
    let server = lab.serve("--workers 4");
    server.wait_ready(4);
    println!("start to four workers that serve: {:?}", begun.elapsed());
    assert!(begun.elapsed() < secs(5));
    server.finish();
}
