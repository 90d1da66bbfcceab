//! A handler that panics: a 500 for that client, the worker lives, the log says where.

use crate::kit::*;

#[test]
fn a_panic_is_a_500_for_that_client_and_the_worker_lives() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let before = server.wait_ready(1);
    let mark = server.mark();
    for _ in 0..5 {
        assert_eq!(server.get("/panic").status, 500);
    }
    server.wait_log_since(mark, &["panic"], SOON);
    let log = server.log_since(mark);
    assert!(log.contains("lib.rs:"), "the place is not told:\n{log}");
    assert_eq!(server.wait_ready(1), before);
    server.finish();
}

#[test]
fn a_panic_fails_nothing_but_its_own_request() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let beside = server.get_later("/sleep/600");
    let mut client = server.connect();
    assert_eq!(client.get("/").expect("an answer").status, 200);
    let reply = client.get("/panic").expect("an answer");
    assert_eq!(reply.status, 500);
    if !reply.closes() {
        assert_eq!(client.get("/").expect("the connection goes on").status, 200);
    }
    assert_eq!(beside.join().expect("no panic").expect("an answer").status, 200);
    server.finish();
}

#[test]
fn a_panic_is_one_log_line_in_the_log_s_own_shape() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let mark = server.mark();
    assert_eq!(server.get("/panic").status, 500);
    let line = server.wait_log_since(mark, &["[ERROR]", "panic"], SOON);
    assert!(line.contains("/panic") || line.contains("lib.rs"), "{line}");
    server.finish();
}

#[test]
fn bytes_that_are_not_http_get_a_400_and_harm_nobody() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let before = server.wait_ready(1);
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"] {
        let mut client = server.connect();
        client.send(garbage).expect("sent");
        if let Ok(reply) = client.reply() {
            assert!((400..600).contains(&reply.status), "{}", reply.head);
        }
    }
    assert_eq!(server.wait_ready(1), before);
    server.finish();
}

#[test]
fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    let before = server.wait_ready(1);
    for _ in 0..20 {
        let mut client = server.connect();
        client.send_get("/sleep/5000").expect("sent");
        drop(client);
        let mut half = server.connect();
        half.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").expect("sent");
    }
    assert_eq!(server.wait_ready(1), before);
    server.finish();
}
