//! TTIN, TTOU and WINCH: more workers, fewer, none.

use super::daemon::Daemon;
use crate::kit::*;

#[test]
fn ttin_adds_a_worker_and_ttou_takes_one_away() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    server.signal(Signal::SIGTTIN);
    server.wait_ready(3);
    server.signal(Signal::SIGTTIN);
    let four = server.wait_ready(4);
    server.signal(Signal::SIGTTOU);
    let three = server.wait_ready(3);
    assert!(three.iter().all(|worker| four.contains(worker)), "a worker was restarted: {four:?} {three:?}");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn ttou_never_takes_the_last_one() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    server.signal(Signal::SIGTTOU);
    let last = server.wait_ready(1);
    for _ in 0..3 {
        server.signal(Signal::SIGTTOU);
        wait::stays_so("one worker stays", server::REACTION, || server.workers().len() == 1);
    }
    assert_eq!(server.wait_ready(1), last);
    server.finish();
}

#[test]
fn winch_is_nothing_to_an_arbiter_on_a_terminal() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    let crew = server.wait_ready(2);
    server.signal(Signal::SIGWINCH);
    wait::stays_so("the workers stay", server::REACTION, || server.workers().len() == 2);
    assert_eq!(server.wait_ready(2), crew);
    server.finish();
}

#[test]
fn winch_retires_the_workers_of_a_daemon_and_hup_brings_them_back() {
    let lab = Lab::new();
    let daemon = Daemon::start(&lab, "--workers 2");
    wait_until("two workers", SOON, || (daemon.workers().len() == 2).then_some(()));
    daemon.signal(Signal::SIGWINCH);
    wait_until("no workers", SOON, || daemon.workers().is_empty().then_some(()));
    assert!(proc::alive(daemon.pid));
    // A connection waits meanwhile; it is not refused.
    let mut waiting = Client::connect(&daemon.address, SOON).expect("queued");
    waiting.send_get("/").expect("sent");
    daemon.signal(Signal::SIGHUP);
    assert_eq!(waiting.reply().expect("an answer").status, 200);
    wait_until("two workers again", SOON, || (daemon.workers().len() == 2).then_some(()));
    drop(waiting);
    daemon.finish();
}
