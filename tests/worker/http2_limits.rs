//! HTTP/2: limits and times, each of which ends one request, or an idle connection.

use crate::h2kit::{
    self, Client, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, frame, get,
    head, run, whole,
};
use crate::seat::serve;
use bytes::Bytes;
use h2::Reason;
use http::Request;
use serde_json::json;
use std::time::{Duration, Instant};

fn post(path: &str) -> Request<()> {
    Request::post(format!("http://test{path}")).body(()).unwrap()
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let worker = serve("router", json!({ "requests": { "limit_request_body": 1000 } }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let mut said = post("/echo");
        said.headers_mut().insert("content-length", "1001".parse().unwrap());
        let (asked, _body) = client.send.clone().ready().await.unwrap().send_request(said, false).unwrap();
        let got = whole(asked).await.unwrap();
        assert_eq!((got.status.as_u16(), got.text()), (413, "The request's body is too large.\n"));
        for (length, status) in [(1000, 200), (1001, 413)] {
            let sender = client.send.clone().ready().await.unwrap();
            let (asked, mut body) = { sender }.send_request(post("/echo"), false).unwrap();
            body.send_data(Bytes::from(vec![b'x'; length]), true).unwrap();
            assert_eq!(whole(asked).await.unwrap().status, status);
        }
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn requests_in_flight_are_limited() {
    let worker = serve("router", json!({ "requests": { "limit_concurrency": 1 } }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let first = client.ask(get("/sleep/400")).await;
        let got = client.get("/").await;
        assert_eq!((got.status.as_u16(), &got.headers["retry-after"]), (503, &"1".parse().unwrap()));
        assert_eq!(whole(first).await.unwrap().status, 200);
        // An answer counts until its last byte is sent, which the client may know a little earlier.
        while client.get("/").await.status != 200 {}
    });
}

#[test]
fn a_late_answer_is_504_and_a_late_body_408() {
    let times = json!({ "requests": { "request_timeout": 0.3, "body_timeout": 0.2 } });
    let worker = serve("router", times);
    run(async {
        let mut client = Client::connect(&worker).await;
        let sender = client.send.clone().ready().await.unwrap();
        let (halting, mut body) = { sender }.send_request(post("/echo"), false).unwrap();
        body.send_data(Bytes::from_static(b"x"), false).unwrap();
        let held = client.ask(get("/held")).await;
        let got = whole(halting).await.unwrap();
        assert_eq!((got.status.as_u16(), got.text()), (408, "The body of the request took too long to arrive.\n"));
        let got = whole(held).await.unwrap();
        assert_eq!((got.status.as_u16(), got.text()), (504, "The application took too long to answer.\n"));
        worker.expect_log("the handler is dropped");
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn a_client_that_takes_nothing_of_a_response_loses_that_one() {
    let worker = serve("router", json!({ "requests": { "write_timeout": 0.4 } }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let asked = client.ask(get("/bytes/1000000")).await;
        // The window is never opened again.
        let mut body = asked.await.unwrap().into_body();
        let (mut taken, begun) = (0, Instant::now());
        let reason = loop {
            match body.data().await.unwrap() {
                Ok(data) => taken += data.len(),
                Err(error) => break error.reason(),
            }
        };
        assert_eq!(reason, Some(Reason::CANCEL));
        assert!(taken < 1_000_000 && begun.elapsed() >= Duration::from_millis(350), "{taken} {:?}", begun.elapsed());
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn a_response_that_has_begun_is_cut_when_its_time_is_over() {
    let worker = serve("probe", json!({ "requests": { "request_timeout": 0.3 } }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let asked = client.ask(get("/stream/3/60000")).await;
        assert_eq!(whole(asked).await.unwrap().body, Err(Reason::CANCEL));
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn a_reader_that_is_only_slow_gets_all() {
    let worker = serve("router", json!({ "requests": { "write_timeout": 0.5 } }));
    let mut raw = Raw::connect(&worker);
    assert!(raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &head("/bytes/100000"))));
    let mut opens = |bytes: u32| {
        assert!(raw.send(&frame(WINDOW_UPDATE, 0, 0, &bytes.to_be_bytes())));
        assert!(raw.send(&frame(WINDOW_UPDATE, 0, 1, &bytes.to_be_bytes())));
    };
    // More than a kilobyte in the time, and much less than a piece.
    for _ in 0..15 {
        opens(800);
        std::thread::sleep(Duration::from_millis(100));
    }
    opens(1 << 20);
    let own = std::iter::from_fn(|| raw.receive()).filter(|(_, _, stream, _)| *stream == 1);
    let mut got = 0;
    for (kind, flags, _, payload) in own {
        assert!(kind == HEADERS || kind == DATA, "{kind} after {got}");
        got += if kind == DATA { payload.len() } else { 0 };
        if flags & END_STREAM > 0 {
            break;
        }
    }
    assert_eq!(got, 100_000);
}

#[test]
fn a_body_is_not_late_while_the_application_does_something_else() {
    let worker = serve("probe", json!({ "requests": { "body_timeout": 0.3 } }));
    run(async {
        let client = Client::connect(&worker).await;
        let sender = client.send.clone().ready().await.unwrap();
        let (asked, mut body) = { sender }.send_request(post("/slowly/150"), false).unwrap();
        for n in 0..6 {
            body.send_data(Bytes::from_static(b"x"), n == 5).unwrap();
            tokio::time::sleep(Duration::from_millis(110)).await;
        }
        assert_eq!(whole(asked).await.unwrap().status, 200);
    });
}

#[test]
fn a_body_is_late_when_its_response_has_begun_too() {
    let worker = serve("router", json!({ "requests": { "body_timeout": 0.4 } }));
    run(async {
        let client = Client::connect(&worker).await;
        let ask = async || {
            let sender = client.send.clone().ready().await.unwrap();
            let (asked, body) = { sender }.send_request(post("/through"), false).unwrap();
            let response = asked.await.unwrap();
            assert_eq!(response.status(), 200);
            (body, response.into_body())
        };
        // One that goes on has the time again and again, and so has the whole more than that.
        let ((mut goes_on, heard), (_stops, cut)) = (ask().await, ask().await);
        let begun = Instant::now();
        for _ in 0..8 {
            goes_on.send_data(vec![b'x'; 2000].into(), false).unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        goes_on.send_data(Bytes::new(), true).unwrap();
        assert_eq!(h2kit::read(heard).await.map(|body| body.len()), Ok(16_000));
        assert_eq!(h2kit::read(cut).await, Err(Reason::CANCEL));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
}

#[test]
fn the_end_of_a_response_that_nobody_takes_ends_the_connection() {
    let worker = serve("router", json!({ "requests": { "write_timeout": 0.4 } }));
    run(async {
        let mut client = Client::connect(&worker).await;
        // A little more than the window: what is left fits in one piece.
        let asked = client.ask(get("/bytes/66000")).await;
        let begun = Instant::now();
        let response = asked.await.unwrap();
        drop(client.connection.await.unwrap());
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(350) && took < Duration::from_secs(5), "{took:?}");
        assert!(crate::h2kit::read(response.into_body()).await.is_err());
    });
    assert_eq!(worker.get("/").status, 200);
}

#[test]
fn an_idle_connection_ends_with_goaway() {
    let worker = serve("router", json!({ "keepalive": 0.5 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let begun = Instant::now();
        assert_eq!(client.get("/sleep/700").await.status, 200);
        client.connection.await.unwrap().unwrap();
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(1150) && took < Duration::from_secs(4), "{took:?}");
    });
}

#[test]
fn an_idle_connection_makes_room_at_once() {
    let worker = serve("router", json!({ "worker_connections": 1, "keepalive": 60 }));
    let mut raw = Raw::connect(&worker);
    assert!(raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &head("/"))));
    std::iter::from_fn(|| raw.receive()).find(|(kind, flags, ..)| *kind == DATA && flags & END_STREAM > 0).unwrap();
    assert!(raw.send(&frame(SETTINGS, 1, 0, &[])));
    let begun = Instant::now();
    assert_eq!(worker.get("/").status, 200);
    // It never answers the PING with which the worker asks what is on the way.
    assert!(raw.rest().iter().any(|(kind, ..)| *kind == GOAWAY));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_connection_has_so_many_requests() {
    let worker = serve("router", json!({ "requests": { "keepalive_requests": 2 }, "keepalive": 60 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let both = [client.ask(get("/")).await, client.ask(get("/sleep/100")).await];
        for asked in both {
            assert_eq!(whole(asked).await.unwrap().status, 200);
        }
        client.connection.await.unwrap().unwrap();
    });
}

#[test]
fn a_client_that_still_sends_hears_the_early_answer_before_the_reset() {
    let worker = serve("router", json!({}));
    let mut raw = Raw::connect(&worker);
    // Its body is awaited by nobody, and it has no end.
    assert!(raw.send(&frame(HEADERS, END_HEADERS, 1, &head("/bytes/5"))));
    assert!(raw.send(&frame(DATA, 0, 1, &[0; 100])));
    let mut own = std::iter::from_fn(|| raw.receive()).filter(|(_, _, stream, _)| *stream == 1);
    assert!(own.next().is_some_and(|(kind, ..)| kind == HEADERS));
    assert!(
        own.next().is_some_and(|(kind, flags, _, body)| kind == DATA && flags & END_STREAM > 0 && body == b"xxxxx")
    );
    let answered = Instant::now();
    let reset = own.next();
    assert!(reset.is_some_and(|(kind, _, _, reason)| kind == RST_STREAM && reason == [0; 4]));
    assert!(answered.elapsed() >= Duration::from_millis(600), "{:?}", answered.elapsed());
}

#[test]
fn a_client_that_is_gone_is_found_out() {
    let worker = serve("router", json!({ "http2": { "ping_interval": 0.2, "ping_timeout": 0.2 } }));
    let mut raw = Raw::connect(&worker);
    assert!(raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &head("/held"))));
    // It answers no PING.
    raw.rest();
    worker.expect_log("the handler is dropped");
}
