//! Balanced accept: every worker gets its share of the connections.

use crate::kit::*;
use std::collections::BTreeMap;

/// Opens 64 keep-alive connections and counts them by worker.
#[track_caller]
fn spread(server: &Server) -> BTreeMap<i32, u32> {
    let mut clients: Vec<Client> = (0..64).map(|_| server.connect()).collect();
    let mut counts = BTreeMap::new();
    for client in &mut clients {
        let reply = client.get("/whoami").expect("an answer");
        *counts.entry(server::whoami(&reply).pid).or_default() += 1;
    }
    counts
}

#[test]
fn sixty_four_keep_alive_connections_spread_evenly_over_four_workers() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 4 --keep-alive 30");
    server.wait_ready(4);
    let mut ratios = Vec::new();
    for round in 0..5 {
        let counts = spread(&server);
        let (most, least) = (counts.values().max().expect("some"), counts.values().min().expect("some"));
        // A worker that got none makes it infinite.
        ratios.push(if counts.len() == 4 { f64::from(*most) / f64::from(*least) } else { f64::INFINITY });
        println!("round {round}: {counts:?}");
        // The connections are closed by now; the workers notice that in their own time.
        wait_until("every connection is gone", SOON, || (established(&server) == 0).then_some(()));
    }
    // A worker that gets no processor for a while falls behind in a round or two, whatever the rule.
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[2] <= 1.25, "the rounds' greatest by least, sorted: {ratios:?}");
    server.finish();
}

/// Connections that the server still has, in whatever state but waiting for its port.
fn established(server: &Server) -> usize {
    let port = format!(":{:04X}", server.address().port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let ours = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[1].ends_with(&port) && ["01", "08"].contains(&words[3])
    };
    table.lines().skip(1).filter(ours).count()
}

#[test]
fn a_draining_or_dead_peer_holds_nobody_back() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2 --keep-alive 30");
    let crew = server.wait_ready(2);
    // One worker stands still with no connection: the other must take everything, without long waits.
    let stopped = nix::unistd::Pid::from_raw(crew[0].pid);
    nix::sys::signal::kill(stopped, Signal::SIGSTOP).expect("it lives");
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(server.get("/").status, 200);
    }
    println!("50 connections beside a stopped peer: {:?}", begun.elapsed());
    assert!(begun.elapsed() < secs(5), "{:?}", begun.elapsed());
    nix::sys::signal::kill(stopped, Signal::SIGCONT).expect("it lives");
    server.finish();
}

#[test]
fn the_rule_can_be_switched_off() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --no-balance");
    for _ in 0..20 {
        assert_eq!(server.get("/").status, 200);
    }
    server.finish();
}
