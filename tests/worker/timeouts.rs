//! What takes too long is cut in its time; what is only slow is not, and nobody else waits.

use crate::client::Client;
use crate::seat::{Worker, serve};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Every limit is far away, but for these.
fn limited(limits: Value) -> Worker {
    serve("probe", json!({ "keepalive": 30, "requests": limits }))
}

/// Asks on a connection of its own all the time, while `other` runs; nobody keeps it waiting.
fn unharmed<T>(worker: &Worker, other: impl FnOnce() -> T) -> T {
    /// Over, even if `other` panics.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let at_the_end = Over(over);
        let normal = scope.spawn(move || {
            let mut client = Client::of(worker);
            let mut longest = Duration::ZERO;
            while !over.load(Relaxed) {
                let begun = Instant::now();
                assert_eq!(client.get("/").text(), "ok\n");
                longest = longest.max(begun.elapsed());
                std::thread::sleep(Duration::from_millis(10));
            }
            longest
        });
        let result = other();
        drop(at_the_end);
        let longest = normal.join().unwrap();
        assert!(longest < Duration::from_millis(1000), "somebody else waited for {longest:?}");
        result
    })
}

/// How long it takes until `drip` cannot be sent any more, or there is an answer.
fn dripping(client: &mut Client, drip: &[u8], every: Duration) -> Duration {
    let begun = Instant::now();
    client.stream.set_read_timeout(Some(every)).unwrap();
    while begun.elapsed() < Duration::from_secs(10) {
        let mut byte = [0];
        if client.stream.write_all(drip).is_err() || client.stream.peek(&mut byte).is_ok() {
            break;
        }
    }
    client.stream.set_read_timeout(Some(crate::seat::PATIENCE)).unwrap();
    begun.elapsed()
}

#[test]
fn a_head_has_its_time_however_it_drips() {
    let worker = limited(json!({ "header_timeout": 0.4 }));
    unharmed(&worker, || {
        let mut client = Client::of(&worker);
        client.send("GET / HTTP/1.1\r\nX: ");
        let took = dripping(&mut client, b"x", Duration::from_millis(20));
        assert!(took >= Duration::from_millis(350) && took < Duration::from_secs(2), "{took:?}");
        assert_eq!(client.reply().status, 408);
    });
    // A client that says nothing at all is not talked to.
    Client::of(&worker).closed();
}

#[test]
fn the_time_of_a_head_is_not_that_of_an_idle_connection() {
    let worker = serve("probe", json!({ "keepalive": 0.3, "requests": { "header_timeout": 1.5 } }));
    let mut client = Client::of(&worker);
    client.get("/");
    client.send("GET / HT");
    std::thread::sleep(Duration::from_millis(900));
    assert_eq!(client.send("TP/1.1\r\nHost: a\r\n\r\n").reply().status, 200);
    let begun = Instant::now();
    client.closed();
    assert!(begun.elapsed() < Duration::from_millis(1200), "{:?}", begun.elapsed());
}

#[test]
fn a_body_that_drips_is_cut_and_one_that_is_only_slow_is_not() {
    let worker = limited(json!({ "body_timeout": 0.4 }));
    let head = "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n";
    unharmed(&worker, || {
        let mut client = Client::of(&worker);
        client.send(head);
        let took = dripping(&mut client, b"0123456789", Duration::from_millis(20));
        assert!(took >= Duration::from_millis(350) && took < Duration::from_secs(2), "{took:?}");
        assert_eq!(client.reply().status, 408);
        let mut slow = Client::of(&worker);
        slow.send(head);
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(150));
            slow.send([b'x'; 2000]);
        }
        assert_eq!(slow.reply().text(), "20000 {}");
    });
}

#[test]
fn the_applications_time_is_not_the_clients() {
    let worker = limited(json!({ "body_timeout": 0.4, "write_timeout": 0.4 }));
    // The application thinks for longer than the client may, between two small pieces and before the last.
    let mut client = Client::of(&worker);
    client.send("POST /slowly/700 HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    client.send("0123456789");
    std::thread::sleep(Duration::from_millis(900));
    client.send("0123456789");
    assert_eq!(client.reply().text(), "20");
    // It has given the body up, and thinks on.
    for path in ["/peek/900", "/elsewhere/900"] {
        let mut client = Client::of(&worker);
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n"));
        assert_eq!(client.reply().status, 200, "{path}");
    }
}

#[test]
fn an_upload_does_not_make_the_reader_of_its_answer_late() {
    let worker = limited(json!({ "body_timeout": 0.8, "write_timeout": 0.8 }));
    let mut client = Client::of(&worker);
    client.send("POST /upload/900/20000000 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(50));
        client.send([b'x'; 50_000]);
    }
    // With pauses that are shorter than the limit each, and longer than it together.
    std::thread::sleep(Duration::from_millis(1100));
    // A socket is writable again only when much of its buffer is free, which takes longer than the limit here.
    for _ in 0..12 {
        std::thread::sleep(Duration::from_millis(200));
        assert!(client.bytes(300 << 10).unwrap().ends_with(b"u"));
    }
    assert_eq!(client.bytes(4 << 20).unwrap().len() + (4 << 20), 8 << 20);
}

#[test]
fn a_reader_that_takes_nothing_is_cut() {
    let worker = limited(json!({ "write_timeout": 0.4, "limit_concurrency": 2 }));
    unharmed(&worker, || {
        let mut client = Client::of(&worker);
        client.send("GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        // To make so many bytes takes time of its own.
        client.bytes(1).unwrap();
        std::thread::sleep(Duration::from_millis(1200));
        let mut all = Vec::new();
        drop(client.stream.read_to_end(&mut all));
        assert!(all.len() < 40_000_000, "{}", all.len());
    });
}

#[test]
fn a_reader_of_many_small_answers_is_as_slow_as_one_of_a_large_one() {
    let worker = serve("probe", json!({ "keepalive": 0.3, "requests": { "write_timeout": 10 } }));
    let mut client = Client::of(&worker);
    let mut writer = client.stream.try_clone().unwrap();
    // Answers that go out together, each time with half a request behind them, until the socket is full.
    let many = 800;
    let sending = std::thread::spawn(move || {
        let request = "GET /bytes/2000 HTTP/1.1\r\nHost: a\r\n\r\n";
        writer.write_all(&request.as_bytes()[..8]).unwrap();
        let batch = format!("{}{}{}", &request[8..], request.repeat(9), &request[..8]);
        for _ in 0..many {
            if writer.write_all(batch.as_bytes()).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    std::thread::sleep(Duration::from_millis(2000));
    for n in 0..many * 10 {
        let reply = client.try_reply(false).unwrap_or_else(|error| panic!("after {n}: {error}"));
        assert_eq!(reply.body.len(), 2000);
    }
    sending.join().unwrap();
}

#[test]
fn an_application_that_takes_too_long_is_given_up() {
    let worker = limited(json!({ "request_timeout": 0.4 }));
    unharmed(&worker, || {
        let mut client = Client::of(&worker);
        let begun = Instant::now();
        let reply = client.get("/sleep/60000");
        assert_eq!((reply.status, reply.closes()), (504, true));
        assert!(begun.elapsed() >= Duration::from_millis(390) && begun.elapsed() < Duration::from_secs(2));
        // A response that has begun is cut.
        let mut streaming = Client::of(&worker);
        streaming.send("GET /stream/3/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(streaming.try_reply(false).is_err());
    });
}
