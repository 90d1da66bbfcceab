//! HTTP/2 as a weapon: each of these once brought servers down, and costs the attacker his connection here.

use crate::h2kit::{self, WINDOW_UPDATE, frame, head};
use crate::h2kit::{CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS};
use crate::seat::{Worker, serve};
use http::Request;
use serde_json::json;

/// ENHANCE_YOUR_CALM, as the end of a GOAWAY without further words.
const CALM: [u8; 4] = [0, 0, 0, 11];

/// Sends until the worker closes the connection, which says why; how many bytes it took.
fn flood(worker: &Worker, mut next: impl FnMut(usize) -> Vec<u8>) -> usize {
    let mut raw = Raw::connect(worker);
    // The answers have to be taken, or the flood stops by itself.
    let mut reading = Raw(raw.0.try_clone().unwrap());
    let reader = std::thread::spawn(move || reading.rest());
    let (mut sent, mut n) = (0, 0);
    loop {
        let bytes = next(n);
        if !raw.send(&bytes) {
            break;
        }
        (sent, n) = (sent + bytes.len(), n + 1);
        assert!(sent < 64 << 20, "{sent} bytes, and still connected: {}", worker.log());
    }
    let (kind, _, stream, payload) = reader.join().unwrap().pop().unwrap();
    assert!((kind, stream) == (GOAWAY, 0) && payload[4..8] == CALM, "{kind} {stream} {payload:?}");
    assert_eq!(worker.get("/").text(), "hello\n");
    sent
}

#[test]
fn rapid_resets() {
    let worker = serve("router", json!({}));
    let cancel = 8_u32.to_be_bytes();
    let sent = flood(&worker, |n| {
        let stream = 2 * n as u32 + 1;
        let mut pair = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head("/held"));
        pair.extend(frame(RST_STREAM, 0, stream, &cancel));
        pair
    });
    assert!(sent < 1 << 20, "{sent}");
}

#[test]
fn slow_resets_are_counted_too() {
    let worker = serve("router", json!({ "http2": { "reset_limit": 20 } }));
    let mut raw = Raw::connect(&worker);
    // The connection's window is no limit; each stream's own is.
    assert!(raw.send(&frame(WINDOW_UPDATE, 0, 0, &0x3fff_0000_u32.to_be_bytes())));
    let mut streams = (0..1000).map(|n| 2 * n + 1);
    let mut calm = false;
    // Each is reset only when the application has begun to answer.
    let refused = streams.find(|stream| {
        let asked = raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, *stream, &head("/bytes/100000")));
        let answered = std::iter::from_fn(|| raw.receive()).any(|(kind, _, of, payload)| {
            calm |= kind == GOAWAY && payload[4..8] == CALM;
            kind == DATA && of == *stream
        });
        !asked || !answered || !raw.send(&frame(RST_STREAM, 0, *stream, &8_u32.to_be_bytes()))
    });
    assert!(refused.is_some_and(|stream| (40..200).contains(&stream)), "{refused:?} {}", worker.log());
    worker.expect_log("its client only asks and cancels");
    // The last request may have been refused before all that was said is read.
    assert!(calm || raw.rest().iter().any(|(kind, .., payload)| *kind == GOAWAY && payload[4..8] == CALM));
}

#[test]
fn frames_without_use() {
    let floods: [(&str, Vec<u8>); 3] = [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[])),
        ("a frame that nobody knows", frame(0xbe, 0, 0, &[0; 100])),
    ];
    let worker = serve("router", json!({}));
    for (name, one) in floods {
        let many = one.repeat(100);
        let sent = flood(&worker, |_| many.clone());
        assert!(sent < 8 << 20, "{name}: {sent}");
    }
}

#[test]
fn uploads_that_nobody_wants_are_no_attack() {
    let worker = serve("router", json!({}));
    h2kit::run(async {
        let mut client = h2kit::Client::connect(&worker).await;
        for n in 0..12 {
            let request = Request::post("http://test/bytes/5").body(()).unwrap();
            let sender = client.send.clone().ready().await.unwrap();
            let (asked, mut body) = { sender }.send_request(request, false).unwrap();
            body.send_data(vec![0; 250_000].into(), true).unwrap();
            assert_eq!(h2kit::whole(asked).await.map(|got| got.status.as_u16()), Ok(405), "{n}");
        }
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn a_head_without_end() {
    let worker = serve("router", json!({}));
    // A field that is never indexed: 30 bytes of name, 100 of value.
    let mut field = vec![0x10, 30];
    field.extend([b'x'; 30]);
    field.push(100);
    field.extend([b'y'; 100]);
    let many = field.repeat(100);
    let sent = flood(&worker, |n| match n {
        0 => frame(HEADERS, END_STREAM, 1, &head("/")),
        _ => frame(CONTINUATION, 0, 1, &many),
    });
    assert!(sent < 8 << 20, "{sent}");
}

#[test]
fn empty_continuations() {
    let worker = serve("router", json!({}));
    let none = frame(CONTINUATION, 0, 1, &[]).repeat(100);
    let sent = flood(&worker, |n| if n == 0 { frame(HEADERS, END_STREAM, 1, &head("/")) } else { none.clone() });
    assert!(sent < 8 << 20, "{sent}");
}

#[test]
fn a_bomb_of_compressed_fields() {
    let worker = serve("router", json!({}));
    let mut raw = Raw::connect(&worker);
    // One field of 4000 bytes goes into the table, and is then named 8000 times by one byte each: 32 MB.
    let mut bomb = head("/fields");
    bomb.extend_from_slice(&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    bomb.extend([b'y'; 4000]);
    bomb.extend([0x80 | 62; 8000]);
    assert!(raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)));
    let refusal = std::iter::from_fn(|| raw.receive()).find(|(kind, ..)| [HEADERS, RST_STREAM, GOAWAY].contains(kind));
    let (kind, _, stream, payload) = refusal.unwrap();
    // 431 has no place in the static table: it is a literal after the name :status.
    let is_431 = payload.windows(3).any(|window| window == b"431") || payload.starts_with(&[0x48, 0x82]);
    assert!(kind != HEADERS || stream == 1 && is_431, "{kind} {payload:x?}");
    assert_eq!(worker.get("/").text(), "hello\n");
}

#[test]
fn fields_of_the_connection_are_refused() {
    let worker = serve("router", json!({}));
    for (name, value) in [("connection", "close"), ("transfer-encoding", "chunked"), ("upgrade", "x"), ("Name", "1")] {
        let mut raw = Raw::connect(&worker);
        let mut block = head("/held");
        block.extend_from_slice(&[0x00, name.len() as u8]);
        block.extend_from_slice(name.as_bytes());
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
        assert!(raw.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)));
        let refusal =
            std::iter::from_fn(|| raw.receive()).find(|(kind, ..)| [HEADERS, RST_STREAM, GOAWAY].contains(kind));
        let (kind, _, stream, payload) = refusal.unwrap();
        // PROTOCOL_ERROR, for the stream or for all.
        assert!(kind != HEADERS && payload.ends_with(&[0, 0, 0, 1]), "{name}: {kind} {stream} {payload:?}");
    }
    assert!(!worker.log().contains("the handler is dropped"), "the application saw one of them");
}
