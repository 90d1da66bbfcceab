//! How it ends: TERM answers what was taken on, QUIT and INT do not wait, and what was cut is said.

use crate::kit::*;

#[test]
fn term_answers_what_is_in_flight_and_in_the_queue() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 1");
    // The only worker is blocked: what comes next waits in the accept queue, where TERM must not lose it.
    let blocked = server.get_later("/block/1000");
    let sleeping = server.get_later("/sleep/1500");
    wait_until("the worker blocks", SOON, || http::get(&server.address(), "/", ms(150)).is_err().then_some(()));
    let queued: Vec<_> = (0..20).map(|_| server.get_later("/")).collect();
    // They are in the queue once they are connected, which loopback does at once; the signal comes after that.
    let address = server.address();
    let last = Client::connect(&address, secs(30)).expect("queued");
    let mut last = last;
    last.send(b"GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    server.signal(Signal::SIGTERM);
    for request in queued.into_iter().chain([blocked, sleeping]) {
        assert_eq!(request.join().expect("no panic").expect("an answer").status, 200);
    }
    assert_eq!(last.reply().expect("an answer").status, 200);
    assert_eq!(server.wait_exit(SOON), 0);
    server.assert_gone();
}

#[test]
fn term_ends_well_within_the_grace_when_nothing_is_open() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 2");
    server.wait_ready(2);
    // Connections that are open and idle, as a proxy holds them, do not hold up a stop beyond their keep-alive time.
    let mut idle = server.connect();
    assert_eq!(idle.get("/").expect("an answer").status, 200);
    let begun = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    assert!(begun.elapsed() < secs(5), "it took {:?}", begun.elapsed());
    server.assert_gone();
    assert!(server.log().contains("Shutting down: Master"), "{}", server.log());
}

#[test]
fn an_idle_connection_is_answered_once_more_after_term() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 1");
    let mut client = server.connect();
    assert_eq!(client.get("/").expect("an answer").status, 200);
    let mark = server.mark();
    server.signal(Signal::SIGTERM);
    server.wait_log_since(mark, &["term"], SOON);
    let reply = client.get("/").expect("the classic race is not lost");
    assert_eq!(reply.status, 200);
    assert!(reply.closes(), "the client is not told: {}", reply.head);
    assert_eq!(server.wait_exit(SOON), 0);
}

#[test]
fn what_the_grace_cuts_is_counted_in_the_log() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 1 --graceful-timeout 1");
    server.wait_ready(1);
    let slow: Vec<_> = (0..3).map(|_| server.get_later("/sleep/20000")).collect();
    wait_until("three requests in flight", SOON, || (in_flight(&server) >= 3).then_some(()));
    let begun = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    assert!(begun.elapsed() > ms(900) && begun.elapsed() < secs(5), "it took {:?}", begun.elapsed());
    for request in slow {
        assert!(request.join().expect("no panic").is_err(), "answered although it was cut");
    }
    let log = server.log();
    let told = log.lines().any(|line| line.contains('3') && (line.contains("cut") || line.contains("unfinished")));
    assert!(told, "the log does not count what was cut:\n{log}");
    server.assert_gone();
}

/// Connections to the server that are established, as the kernel counts them.
fn in_flight(server: &Server) -> usize {
    let port = format!(":{:04X}", server.address().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table
        .lines()
        .skip(1)
        .filter(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1).is_some_and(|local| local.ends_with(&port)) && words.get(3) == Some(&"01")
        })
        .count()
}

#[test]
fn quit_and_int_end_within_two_seconds_whatever_the_application_does() {
    let lab = Lab::new();
    for signal in [Signal::SIGQUIT, Signal::SIGINT] {
        let mut server = lab.serve("--workers 2");
        server.wait_ready(2);
        let stuck: Vec<_> = (0..2).map(|_| server.get_later("/block/30000")).collect();
        let waiting = server.get_later("/sleep/30000");
        wait_until("both workers block", SOON, || http::get(&server.address(), "/", ms(200)).is_err().then_some(()));
        let begun = Instant::now();
        server.signal(signal);
        assert_eq!(server.wait_exit(SOON), 0, "{signal}");
        assert!(begun.elapsed() < secs(2), "{signal} took {:?}", begun.elapsed());
        server.assert_gone();
        for request in stuck.into_iter().chain([waiting]) {
            assert!(request.join().expect("no panic").is_err());
        }
    }
}

#[test]
fn a_second_signal_makes_a_graceful_stop_quick() {
    let lab = Lab::new();
    for second in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = lab.serve("--workers 2");
        server.wait_ready(2);
        let slow = server.get_later("/sleep/25000");
        wait_until("a request in flight", SOON, || (in_flight(&server) >= 1).then_some(()));
        let mark = server.mark();
        server.signal(Signal::SIGTERM);
        server.wait_log_since(mark, &["term"], SOON);
        wait::stays_so("the stop waits", server::REACTION, || proc::alive(server.pid()));
        let begun = Instant::now();
        server.signal(second);
        assert_eq!(server.wait_exit(SOON), 0, "{second}");
        assert!(begun.elapsed() < secs(2), "{second} took {:?}", begun.elapsed());
        server.assert_gone();
        assert!(slow.join().expect("no panic").is_err());
    }
}

#[test]
fn a_stop_is_obeyed_while_the_first_workers_still_boot() {
    let lab = Lab::new().with_testapps();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = lab.launch().app("testapps:hangs").args("--workers 2").spawn();
        server.wait_log(&["Booting worker"]);
        server.wait_workers(2);
        let begun = Instant::now();
        server.signal(signal);
        assert_eq!(server.wait_exit(SOON), 0, "{signal}");
        assert!(begun.elapsed() < secs(5), "{signal} took {:?}", begun.elapsed());
        server.assert_gone();
    }
}

#[test]
fn a_stop_is_obeyed_in_the_middle_of_a_reload() {
    let lab = Lab::new().with_testapps();
    let library = lab.deploy(&apps::testapps(), "swap");
    let mut server = lab.launch().app("swap:slow").args("--workers 2").start();
    server.wait_ready(2);
    assert!(library.exists());
    server.signal(Signal::SIGHUP);
    wait_until("newcomers boot", SOON, || (server.workers().len() > 2).then_some(()));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    server.assert_gone();
}
