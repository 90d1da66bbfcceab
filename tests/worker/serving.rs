//! Requests and connections.

use crate::seat::{PATIENCE, Start, answer, ask, closed, serve, start, try_answer, wait_for};
use crate::usage::cpu_ticks;
use rustcorn::abi::Report;
use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[test]
fn a_connection_is_kept_and_its_facts_are_known() {
    let worker = serve("router", json!({}));
    let mut stream = worker.connect();
    for _ in 0..3 {
        ask(&mut stream, "/whoami");
        let got = answer(&mut stream);
        let expected = format!("{} {} http 2 7", stream.local_addr().unwrap(), worker.address);
        assert_eq!((got.status, got.text(), got.closes()), (200, expected.as_str(), false));
    }
}

#[test]
fn several_threads_serve_too() {
    let worker = serve("router", json!({ "threads": 3 }));
    for _ in 0..20 {
        assert_eq!(worker.get("/").text(), "hello\n");
    }
}

#[test]
fn a_lane_is_served_by_its_owner_and_without_one_by_somebody() {
    for lane in [1, 3] {
        let mut worker = start(Start { lane, ..Start::default() });
        assert_eq!(worker.report(), Some(Report::Ready));
        assert_eq!(worker.get("/").text(), "hello\n");
    }
}

#[test]
fn a_unix_socket_serves_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut worker = start(Start { unix: Some(&path), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let mut stream = UnixStream::connect(&path).unwrap();
    ask(&mut stream, "/whoami");
    assert_eq!(answer(&mut stream).text(), format!("unix: unix:{} http 2 7", path.display()));
}

#[test]
fn a_body_goes_in_and_comes_out() {
    let worker = serve("router", json!({}));
    let mut stream = worker.connect();
    let body = vec![b'b'; 1_000_000];
    write!(stream, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    stream.write_all(&body).unwrap();
    assert_eq!(answer(&mut stream).body, body);
}

#[test]
fn a_handler_that_panics_costs_its_client_a_500_and_nobody_else_anything() {
    let worker = serve("router", json!({}));
    let mut other = worker.connect();
    ask(&mut other, "/");
    answer(&mut other);
    let mut stream = worker.connect();
    ask(&mut stream, "/panic");
    let got = answer(&mut stream);
    assert_eq!((got.status, got.text(), got.closes()), (500, "Internal Server Error\n", true));
    closed(&mut stream);
    ask(&mut other, "/");
    assert_eq!(answer(&mut other).text(), "hello\n");
    worker.expect_log("panicked at tests/worker/apps.rs:");
    worker.expect_log("a handler panics");
    worker.expect_log("The panic was in the answer to GET /panic from 127.0.0.1:");
}

#[test]
fn a_body_that_panics_aborts_its_connection_only() {
    let worker = serve("router", json!({}));
    let mut stream = worker.connect();
    ask(&mut stream, "/torn");
    let mut got = Vec::new();
    drop(stream.read_to_end(&mut got));
    let got = String::from_utf8(got).unwrap();
    assert!(got.contains("first piece") && !got.ends_with("0\r\n\r\n"), "{got}");
    worker.expect_log("a body panics");
    assert_eq!(worker.get("/").status, 200);
}

#[test]
fn a_service_that_fails_is_a_500_too() {
    let worker = serve("failing", json!({}));
    assert_eq!(worker.get("/x?y=1").status, 500);
    worker.expect_log("The application failed to answer GET /x?y=1 from 127.0.0.1:");
    worker.expect_log(": the service fails");
}

#[test]
fn a_tower_service_is_called_when_it_is_ready() {
    let worker = serve("reluctant", json!({}));
    let mut stream = worker.connect();
    for _ in 0..3 {
        ask(&mut stream, "/");
        assert_eq!(answer(&mut stream).text(), "ready\n");
    }
}

#[test]
fn events_of_the_application_are_in_the_operator_log() {
    let worker = serve("router", json!({}));
    worker.get("/event");
    worker.expect_log("an event of the application answer=42");
}

#[test]
fn an_idle_connection_is_closed_after_keepalive_and_not_before() {
    let worker = serve("router", json!({ "keepalive": 0.5 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/");
    answer(&mut stream);
    let idle_from = Instant::now();
    closed(&mut stream);
    let idle = idle_from.elapsed();
    assert!(idle >= Duration::from_millis(450) && idle < Duration::from_secs(5), "{idle:?}");
}

#[test]
fn a_busy_or_receiving_connection_is_not_idle() {
    let worker = serve("router", json!({ "keepalive": 0.2 }));
    let mut slow = worker.connect();
    let mut sending = worker.connect();
    ask(&mut sending, "/");
    answer(&mut sending);
    sending.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    ask(&mut slow, "/sleep/1000");
    assert_eq!(answer(&mut slow).status, 200);
    sending.write_all(b"st: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut sending).status, 200);
}

#[test]
fn a_head_that_begins_while_the_worker_is_busy_is_not_idle_either() {
    let worker = serve("router", json!({ "keepalive": 0.2 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/sleep/300");
    std::thread::sleep(Duration::from_millis(100));
    stream.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    assert_eq!(answer(&mut stream).status, 200);
    std::thread::sleep(Duration::from_millis(800));
    stream.write_all(b"st: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).status, 200);
}

#[test]
fn a_slow_client_is_not_reset_while_it_still_sends() {
    let worker = serve("router", json!({}));
    let mut stream = worker.connect();
    write!(stream, "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n").unwrap();
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(500));
        stream.write_all(&[b'u'; 1000]).unwrap();
    }
    let got = answer(&mut stream);
    assert_eq!((got.status, got.body.len()), (413, 100_000));
}

#[test]
fn keepalive_zero_means_one_request_a_connection() {
    let worker = serve("router", json!({ "keepalive": 0 }));
    let mut stream = worker.connect();
    ask(&mut stream, "/");
    assert!(answer(&mut stream).closes());
    closed(&mut stream);
}

#[test]
fn a_response_is_whole_even_if_the_request_body_was_not_read() {
    let worker = serve("router", json!({}));
    for _ in 0..5 {
        let mut stream = worker.connect();
        write!(stream, "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n").unwrap();
        let mut writer = stream.try_clone().unwrap();
        let upload = std::thread::spawn(move || {
            // Until the server hangs up.
            while writer.write_all(&[b'u'; 65536]).is_ok() {}
        });
        let got = answer(&mut stream);
        assert_eq!((got.status, got.body.len()), (413, 100_000));
        stream.shutdown(std::net::Shutdown::Both).unwrap();
        upload.join().unwrap();
    }
}

#[test]
fn connections_beyond_the_limit_wait() {
    let worker = serve("router", json!({ "worker_connections": 2, "keepalive": 30 }));
    // Busy ones: idle ones would make room.
    let mut first = worker.connect();
    let mut second = worker.connect();
    for stream in [&mut first, &mut second] {
        ask(stream, "/sleep/60000");
    }
    let mut third = worker.connect();
    ask(&mut third, "/");
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(try_answer(&mut third).is_err(), "the third is not accepted");
    drop(first);
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(answer(&mut third).status, 200);
}

#[test]
fn without_descriptors_accepting_rests_and_recovers() {
    let mut worker = start(Start { descriptors: Some(24), ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let held: Vec<_> = (0..30).map(|_| worker.connect()).collect();
    worker.expect_log("cannot accept connections at the moment");
    let before = cpu_ticks(&worker);
    std::thread::sleep(Duration::from_secs(1));
    assert!(cpu_ticks(&worker) - before < 5, "it spins: 50 ms of a second");
    assert_eq!(worker.log().matches("cannot accept").count(), 1);
    drop(held);
    let served = wait_for(|| {
        let mut stream = worker.connect();
        ask(&mut stream, "/");
        try_answer(&mut stream).ok()
    });
    assert_eq!(served.unwrap().status, 200);
}

#[test]
fn a_limit_of_requests_asks_for_a_successor_once_and_serves_on() {
    let mut worker = serve("router", json!({ "max_requests": 3 }));
    for _ in 0..6 {
        assert_eq!(worker.get("/").status, 200);
    }
    let Some(Report::Recycle { reason, .. }) = worker.report() else { panic!("{}", worker.log()) };
    assert_eq!(reason, "it has answered 3 requests (max_requests)");
    // Only that it leaves is told after that, and no second wish.
    worker.signal(rustcorn::types::Signal::TERM);
    assert_eq!(worker.report(), Some(Report::Leaving));
    assert_eq!(worker.report(), None);
}

#[test]
fn age_and_size_ask_for_a_successor_too() {
    let mut old = serve("router", json!({ "max_worker_lifetime": 0.2, "timeout": 0.4 }));
    assert!(matches!(old.report(), Some(Report::Recycle { reason, .. }) if reason.contains("max_worker_lifetime")));
    let mut big = serve("router", json!({ "max_rss": 1 }));
    assert!(matches!(big.report(), Some(Report::Recycle { reason, .. }) if reason.contains("max_rss")));
}
