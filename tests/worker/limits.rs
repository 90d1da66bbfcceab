//! Limits: of requests, of connections, and of what is done at a time.

use crate::client::Client;
use crate::seat::{Worker, ask, serve, wait_for};
use crate::usage::cpu_ticks;
use serde_json::{Value, json};
use std::net::Shutdown;
use std::time::Duration;

fn limited(requests: Value) -> Worker {
    serve("probe", json!({ "keepalive": 60, "requests": requests }))
}

/// The status of the answer to these bytes, after which the connection is closed if it is a refusal.
fn status(worker: &Worker, bytes: &str) -> u16 {
    let mut client = Client::of(worker);
    let reply = client.send(bytes).reply();
    assert_eq!(reply.closes(), reply.status >= 400, "{reply:?}");
    if reply.status >= 400 {
        client.stream.shutdown(Shutdown::Write).unwrap();
        client.closed();
    }
    reply.status
}

#[test]
fn heads_may_be_as_large_as_their_limits_and_no_larger() {
    let worker =
        limited(json!({ "limit_request_line": 100, "limit_request_fields": 3, "limit_request_field_size": 50 }));
    let line = |length: usize| format!("GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 15));
    assert_eq!((status(&worker, &line(100)), status(&worker, &line(101))), (200, 414));
    // Refused before it ends, too.
    assert_eq!(status(&worker, &format!("GET /?{}", "x".repeat(200))), 414);
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: 1\r\n".repeat(count - 1));
    assert_eq!((status(&worker, &fields(3)), status(&worker, &fields(4))), (200, 431));
    let field = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length - 3));
    assert_eq!((status(&worker, &field(50)), status(&worker, &field(51))), (200, 431));
    assert_eq!(status(&worker, &format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(200))), 431);
    assert_eq!(Client::of(&worker).get("/seen").text(), "3");
}

#[test]
fn bodies_have_a_limit_whether_or_not_it_is_seen_before() {
    let worker = limited(json!({ "limit_request_body": 10 }));
    let declared = |length: usize| {
        format!("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length))
    };
    assert_eq!((status(&worker, &declared(10)), status(&worker, &declared(11))), (200, 413));
    assert_eq!(Client::of(&worker).get("/seen").text(), "1");
    let chunked = |last: &str| {
        format!(
            "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n{last}\r\n0\r\n\r\n"
        )
    };
    assert_eq!((status(&worker, &chunked("4\r\nabcd")), status(&worker, &chunked("5\r\nabcde"))), (200, 413));
    // A client that asks first is told first.
    let asking = "POST /collect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    assert_eq!(status(&worker, asking), 413);
}

#[test]
fn requests_beyond_those_that_are_worked_on_are_told_to_come_again() {
    let worker = limited(json!({ "limit_concurrency": 2 }));
    let mut busy: Vec<Client> = (0..2).map(|_| Client::of(&worker)).collect();
    for client in &mut busy {
        client.send("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let mut third = Client::of(&worker);
    let reply = wait_for(|| {
        third = Client::of(&worker);
        Some(third.get("/line")).filter(|reply| reply.status == 503)
    });
    let reply = reply.expect("too many");
    assert_eq!((reply.field("retry-after"), reply.closes()), (Some("1"), true));
    for client in &mut busy {
        assert_eq!(client.reply().status, 200);
    }
    assert_eq!(Client::of(&worker).get("/line").status, 200);
}

#[test]
fn a_connection_has_so_many_requests() {
    let worker = limited(json!({ "keepalive_requests": 3 }));
    let mut client = Client::of(&worker);
    let closes: Vec<bool> = (0..3).map(|_| client.get("/").closes()).collect();
    assert_eq!(closes, [false, false, true]);
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.closed();
}

#[test]
fn idle_connections_make_room_the_oldest_first() {
    let worker = serve("probe", json!({ "worker_connections": 4, "keepalive": 60 }));
    let mut clients: Vec<Client> = (0..4).map(|_| Client::of(&worker)).collect();
    // The first is busy, the third is idle since the longest time.
    for n in [2, 1, 3] {
        assert_eq!(clients[n].get("/").status, 200);
    }
    clients[0].send("GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut newcomers: Vec<Client> = Vec::new();
    for evicted in [2, 1] {
        let mut newcomer = Client::of(&worker);
        assert_eq!(newcomer.get("/").status, 200);
        newcomers.push(newcomer);
        clients[evicted].closed();
    }
    assert_eq!(clients[3].get("/").status, 200);
    assert_eq!(clients[0].reply().status, 200);
}

#[test]
fn idle_connections_make_room_for_those_whom_a_leaving_worker_takes() {
    let mut worker = serve("probe", json!({ "worker_connections": 2, "keepalive": 60, "graceful_timeout": 30 }));
    let mut idle: Vec<Client> = (0..2).map(|_| Client::of(&worker)).collect();
    assert_eq!(idle[1].get("/").status, 200);
    idle[0].send("GET /block/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let mut queued: Vec<Client> = (0..3).map(|_| Client::of(&worker)).collect();
    for client in &mut queued {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    worker.signal(rustcorn::types::Signal::TERM);
    for client in &mut queued {
        assert_eq!(client.reply().status, 200);
    }
    assert_eq!(idle[0].reply().status, 200);
    drop((idle, queued));
    let (status, took) = worker.exit();
    assert!(status.code() == Some(0) && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn somebody_who_becomes_idle_makes_room_too_and_nobody_else_does() {
    let worker = serve("probe", json!({ "worker_connections": 2, "keepalive": 60 }));
    let mut silent = Client::of(&worker);
    let mut busy = Client::of(&worker);
    busy.send("GET /sleep/400 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut waiting = worker.connect();
    ask(&mut waiting, "/");
    let mut waiting = Client { stream: waiting, rest: Vec::new() };
    waiting.is_silent_for(Duration::from_millis(200));
    assert_eq!(busy.reply().status, 200);
    assert_eq!(waiting.reply().status, 200);
    busy.closed();
    assert_eq!(silent.get("/").status, 200);
}

#[test]
fn who_has_a_place_and_does_not_use_it_loses_it() {
    let worker = serve("probe", json!({ "worker_connections": 4, "keepalive": 60 }));
    // Two say nothing, and two send nonsense, and then a byte now and then so that the farewell takes its time.
    let silent: Vec<Client> = (0..2).map(|_| Client::of(&worker)).collect();
    let mut refused: Vec<Client> = (0..2).map(|_| Client::of(&worker)).collect();
    for client in &mut refused {
        assert_eq!(client.send("nonsense\r\n\r\n").reply().status, 400);
    }
    let mut dripping: Vec<_> = refused.iter().map(|client| client.stream.try_clone().unwrap()).collect();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                dripping.iter_mut().for_each(|stream| drop(std::io::Write::write(stream, b"x")));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let begun = std::time::Instant::now();
        let mut newcomers: Vec<Client> = (0..4).map(|_| Client::of(&worker)).collect();
        for client in &mut newcomers {
            client.send("GET /sleep/10 HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        let answers: Vec<u16> = newcomers.iter_mut().map(|client| client.reply().status).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(answers, [200; 4]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
    drop(silent);
}

#[test]
fn a_full_worker_does_not_spin() {
    let worker = serve("probe", json!({ "worker_connections": 2, "keepalive": 60 }));
    let mut busy: Vec<Client> = (0..2).map(|_| Client::of(&worker)).collect();
    for client in &mut busy {
        client.send("GET /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let _waiting: Vec<Client> = (0..5).map(|_| Client::of(&worker)).collect();
    let before = cpu_ticks(&worker);
    std::thread::sleep(Duration::from_secs(1));
    assert!(cpu_ticks(&worker) - before < 5, "50 ms of a second");
}
