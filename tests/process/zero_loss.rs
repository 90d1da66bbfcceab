//! Under load from keep-alive and one-request-per-connection clients together, nothing is lost. Each of these tests
//! has the machine to itself and counts every request.

use crate::kit::*;

#[test]
fn fifty_reloads_in_a_row_lose_nothing() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    let load = Load::start(&server.address());
    let begun = Instant::now();
    for _ in 0..50 {
        server.reload(2);
    }
    println!("50 reloads under load took {:?}", begun.elapsed());
    load.stop().assert_lossless("50 reloads");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn a_storm_of_ttin_and_ttou_loses_nothing() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    let load = Load::start(&server.address());
    for round in 0_u32..60 {
        // Two up, two down, one up, three down, ...: whatever order, at least one worker stays.
        let signal = if round % 5 < 2 + round % 2 { Signal::SIGTTIN } else { Signal::SIGTTOU };
        server.signal(signal);
        let seen = load.answered();
        wait_until("the load goes on", SOON, || (load.answered() > seen + 15).then_some(()));
    }
    load.stop().assert_lossless("a storm of TTIN and TTOU");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn max_requests_recycling_loses_nothing() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2 --max-requests 50 --max-requests-jitter 20");
    let first = server.wait_ready(2);
    let load = Load::start(&server.address());
    wait_until("3000 answers", secs(60), || (load.answered() + load.lost() > 3000).then_some(()));
    load.stop().assert_lossless("max_requests recycling");
    let crew = server.wait_ready(2);
    assert!(crew.iter().all(|worker| !first.contains(worker)), "nobody was recycled: {crew:?}");
    let boots = server.log().matches("Booting worker with pid").count();
    println!("{boots} workers served 3000 requests");
    assert!(boots >= 20, "only {boots} workers for 3000 requests at 50 to 70 each");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn an_upgrade_with_the_old_arbiter_quit_loses_nothing() {
    for quit in [Signal::SIGTERM, Signal::SIGQUIT] {
        upgrade_under_load(quit);
    }
}

fn upgrade_under_load(quit: Signal) {
    let lab = Lab::alone();
    let mut server = lab.launch().args("--workers 2").pid_file("web.pid").start();
    server.wait_ready(2);
    let load = Load::start(&server.address());
    server.signal(Signal::SIGUSR2);
    let new = super::upgrade::wait_upgrade(&lab, &server, "web.pid.2");
    let seen = load.answered();
    wait_until("both serve for a while", SOON, || (load.answered() > seen + 100).then_some(()));
    // QUIT is quick: what is in flight in the old workers is cut by its meaning, so the load pauses for it.
    if quit == Signal::SIGQUIT {
        load.stop().assert_lossless("an upgrade by USR2, both serving");
        server.signal(quit);
        assert_eq!(server.wait_exit(SOON), 0);
        let load = Load::start(&server.address());
        wait_until("the new one serves", SOON, || (load.answered() > 300).then_some(()));
        load.stop().assert_lossless("the new arbiter alone");
    } else {
        server.signal(quit);
        assert_eq!(server.wait_exit(SOON), 0);
        let seen = load.answered();
        wait_until("the new one serves", SOON, || (load.answered() > seen + 300).then_some(()));
        load.stop().assert_lossless("an upgrade by USR2 with the old arbiter quit");
    }
    wait_until("the promotion", SOON, || (lab.read("web.pid").trim() == new.to_string()).then_some(()));
    super::upgrade::end(new);
}

#[test]
fn killed_workers_lose_only_their_own_requests_in_flight() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 4");
    server.wait_ready(4);
    let load = Load::start(&server.address());
    for _ in 0..10 {
        let victim = server.wait_workers(4)[0];
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(victim), Signal::SIGKILL).expect("it lives");
        let seen = load.answered();
        wait_until("the load goes on", SOON, || (load.answered() > seen + 100).then_some(()));
    }
    let tally = load.stop();
    println!("10 kills: {} answered, {} lost", tally.answered, tally.lost.len());
    // The dead worker's own: its share of the eight keep-alive connections, and of what was in flight.
    assert!(tally.lost.len() <= 10 * 6, "{:#?}", tally.lost);
    let refused: Vec<&String> =
        tally.lost.iter().filter(|line| line.contains("Refused") || line.contains("status")).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    server.finish();
}
