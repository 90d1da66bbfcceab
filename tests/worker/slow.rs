//! What is told of requests: those that take long, and how each is called.

use crate::client::Client;
use crate::h2kit;
use crate::seat::{Start, ask, serve, start};
use rustcorn::abi::Report;
use serde_json::json;
use std::collections::HashSet;
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[test]
fn a_slow_request_is_told_once_with_what_the_worker_does() {
    let worker = serve("probe", json!({ "keepalive": 60, "requests": { "slow_request": 0.3 } }));
    let mut blocked = Client::of(&worker);
    blocked.send("GET /block/1200 HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.expect_log("The request GET /block/1200 takes worker 2 longer than slow_request allows: 0.3 s so far");
    worker.expect_log("Stack of worker 2 (pid ");
    worker.expect_log("holds_the_thread");
    assert_eq!(blocked.reply().status, 200);
    // One that only waits: it has no stack, the event loop has.
    assert_eq!(blocked.get("/sleep/900").status, 200);
    worker.expect_log("The request GET /sleep/900 takes");
    assert_eq!(blocked.get("/sleep/10").status, 200);
    let log = worker.log();
    assert_eq!(log.matches(" takes worker 2 longer").count(), 2, "{log}");
}

#[test]
fn without_the_setting_nobody_looks() {
    let worker = serve("probe", json!({}));
    assert_eq!(Client::of(&worker).get("/sleep/400").status, 200);
    assert!(!worker.log().contains("slow_request"));
    let sentinel = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", worker.pid())).unwrap();
        let mut tasks = tasks.map(|task| task.unwrap().path());
        let task = tasks.find(|task| std::fs::read_to_string(task.join("comm")).unwrap().trim() == "sentinel").unwrap();
        let status = std::fs::read_to_string(task.join("status")).unwrap();
        status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap().to_owned()
    };
    let before = sentinel();
    Client::of(&worker).get("/sleep/500");
    assert_eq!(sentinel(), before, "it was woken");
}

const WITH_ID: &str = "X-Request-ID";

#[test]
fn requests_and_answers_have_the_same_new_id() {
    let orders = json!({ "requests": { "request_id_header": WITH_ID, "request_timeout": 0.3 } });
    let workers = [serve("probe", orders.clone()), serve("probe", orders)];
    let mut ids = HashSet::new();
    for worker in &workers {
        let mut client = Client::of(worker);
        for _ in 0..20 {
            client.send("GET /fields HTTP/1.1\r\nHost: a\r\nx-request-id: forged\r\nX-Request-Id: twice\r\n\r\n");
            let reply = client.reply();
            let id = reply.field("x-request-id").unwrap().to_owned();
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
            assert!(reply.text().contains(&format!("\"x-request-id\": \"{id}\"")), "{reply:?}");
            assert!(!reply.text().contains("forged") && !reply.text().contains("twice"), "{reply:?}");
            assert!(ids.insert(id), "twice the same");
        }
        // What is answered without the application has one as well, once it is a request.
        let late = client.get("/sleep/60000");
        assert!((late.status, late.field("x-request-id").is_some()) == (504, true), "{late:?}");
    }
    assert_eq!(Client::of(&serve("probe", json!({}))).get("/").field("x-request-id"), None);
}

#[test]
fn every_protocol_and_every_refusal_has_the_id() {
    let orders = json!({ "requests": { "request_id_header": WITH_ID, "limit_request_body": 10 } });
    let worker = serve("probe", orders);
    let mut upgrading = Client::of(&worker);
    upgrading.send(
        "GET /fields HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let reply = upgrading.reply();
    let id = reply.field("x-request-id").unwrap().to_owned();
    assert!(reply.text().contains(&format!("\"x-request-id\": \"{id}\"")), "{reply:?}");
    let mut refused = Client::of(&worker);
    refused.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    let reply = refused.reply();
    let fields = ["x-request-id", "server"].map(|name| reply.field(name).is_some());
    assert!((reply.status, fields) == (413, [true, true]), "{reply:?}");
    h2kit::run(async {
        let mut client = h2kit::Client::connect(&worker).await;
        let got = client.get("/fields").await;
        let id = got.headers["x-request-id"].to_str().unwrap();
        assert!(got.text().contains(&format!("\"x-request-id\": \"{id}\"")), "{got:?}");
        let mut large = h2kit::get("/");
        large.headers_mut().insert("content-length", "11".parse().unwrap());
        let (asked, _body) = client.send.clone().ready().await.unwrap().send_request(large, false).unwrap();
        let got = h2kit::whole(asked).await.unwrap();
        let fields = ["x-request-id", "server"].map(|name| got.headers.contains_key(name));
        assert!((got.status.as_u16(), fields) == (413, [true, true]), "{got:?}");
    });
}

#[test]
fn a_trusted_peer_names_its_requests() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let orders = json!({ "requests": { "request_id_header": WITH_ID } });
    let mut worker = start(Start { app: "probe", unix: Some(&path), orders, ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready));
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /fields HTTP/1.1\r\nHost: a\r\nX-Request-ID: mine-1\r\n\r\n").unwrap();
    let got = crate::seat::answer(&mut stream);
    assert!(got.head.contains("\r\nx-request-id: mine-1\r\n") && got.text().contains("mine-1"), "{}", got.head);
    ask(&mut stream, "/fields");
    assert!(crate::seat::answer(&mut stream).head.contains("\r\nx-request-id: "));
}
