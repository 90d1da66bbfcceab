//! WebSockets through axum's own extractor, and their end when the worker leaves.

use crate::h2kit::{Client, run};
use crate::seat::{Worker, answer, closed, serve};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use h2::ext::Protocol;
use http::{Method, Request};
use rustcorn::types::Signal;
use serde_json::json;
use std::io::{Read, Write};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

async fn open(worker: &Worker, path: &str) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(worker.address).await.unwrap();
    let (socket, response) = client_async(format!("ws://test{path}"), stream).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["server"], "rustcorn");
    socket
}

fn close_code(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Option<CloseCode> {
    match message {
        Some(Ok(Message::Close(Some(frame)))) => Some(frame.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_leaving_worker_closes_and_the_application_hears_the_answer() {
    let mut worker = serve("router", json!({}));
    run(async {
        let mut socket = open(&worker, "/echoes").await;
        for text in ["one", "two"] {
            socket.send(Message::text(text)).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
        }
        worker.signal(Signal::TERM);
        assert_eq!(close_code(socket.next().await), Some(CloseCode::Restart));
        // The client has answered by now, and the server closes.
        assert!(socket.next().await.is_none());
    });
    let (status, took) = worker.exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    worker.expect_log("the client closes with Some(1012)");
    worker.expect_log("the socket is over");
    assert!(!worker.log().contains(" cuts "), "{}", worker.log());
}

#[test]
fn the_close_frame_goes_between_two_frames() {
    let mut worker = serve("router", json!({ "threads": 2 }));
    run(async {
        let mut socket = open(&worker, "/pushes").await;
        let mut messages = 0;
        let code = loop {
            match socket.next().await {
                Some(Ok(Message::Binary(piece))) => {
                    assert!(piece.len() == 100_000 && piece.iter().all(|byte| *byte == b'x'));
                    messages += 1;
                    if messages == 20 {
                        worker.signal(Signal::TERM);
                    }
                }
                other => break close_code(other),
            }
        };
        assert!(messages >= 20 && code == Some(CloseCode::Restart), "{messages} {code:?}");
        // Nothing of the application comes after it.
        assert!(!matches!(socket.next().await, Some(Ok(_))));
    });
    worker.expect_log("the socket is over");
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn a_client_that_never_answers_is_cut_and_named() {
    let mut worker = serve("router", json!({ "graceful_timeout": 0.5 }));
    let mut stream = worker.connect();
    shake(&mut stream, "/echoes", "");
    assert_eq!(answer(&mut stream).status, 101);
    worker.signal(Signal::TERM);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0x88, 2, 0x03, 0xf4]);
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection after the graceful timeout of 0 s, with 0 requests in flight");
}

#[test]
fn a_quick_stop_says_so_too() {
    let mut worker = serve("router", json!({}));
    run(async {
        let mut socket = open(&worker, "/echoes").await;
        worker.signal(Signal::QUIT);
        assert_eq!(close_code(socket.next().await), Some(CloseCode::Restart));
    });
    assert_eq!(worker.exit().0.code(), Some(0));
}

#[test]
fn an_application_that_closes_first_has_the_last_word() {
    let mut worker = serve("router", json!({}));
    run(async {
        let mut socket = open(&worker, "/echoes").await;
        socket.close(None).await.unwrap();
        while let Some(message) = socket.next().await {
            assert!(matches!(message, Ok(Message::Close(None))), "{message:?}");
        }
    });
    worker.expect_log("the socket is over");
    worker.signal(Signal::TERM);
    assert_eq!(worker.exit().0.code(), Some(0));
}

fn shake(stream: &mut impl Write, path: &str, more: &str) {
    let fields = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n{fields}{key}{more}\r\n").unwrap();
}

#[test]
fn a_refused_upgrade_is_an_ordinary_response() {
    let worker = serve("router", json!({}));
    let mut stream = worker.connect();
    shake(&mut stream, "/unupgraded", "");
    let got = answer(&mut stream);
    assert_eq!((got.status, got.text(), got.closes()), (200, "not here\n", true), "{}", got.head);
    assert!(got.head.contains("server: rustcorn\r\n") && got.head.contains("date: "), "{}", got.head);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    closed(&mut stream);
}

#[test]
fn limits_hold_for_upgrades() {
    let limits = json!({ "requests": { "limit_request_body": 5, "limit_concurrency": 1, "request_timeout": 0.3 } });
    let worker = serve("router", limits);
    let mut stream = worker.connect();
    shake(&mut stream, "/echoes", "Content-Length: 6\r\n");
    let got = answer(&mut stream);
    assert_eq!((got.status, got.closes()), (413, true), "{}", got.head);
    let mut held = worker.connect();
    shake(&mut held, "/held", "");
    let refused = crate::seat::wait_for(|| {
        let mut stream = worker.connect();
        shake(&mut stream, "/echoes", "");
        Some(answer(&mut stream)).filter(|got| got.status == 503)
    });
    assert!(refused.unwrap().head.contains("retry-after: 1\r\n"));
    let got = answer(&mut held);
    assert_eq!((got.status, got.text()), (504, "The application took too long to answer.\n"));
    worker.expect_log("the handler is dropped");
}

/// What asks for a WebSocket over HTTP/2 (RFC 8441).
fn extended(path: &str, version: &str) -> Request<()> {
    let request = Request::builder().method(Method::CONNECT).uri(format!("http://test{path}"));
    let request = request.header("sec-websocket-version", version).extension(Protocol::from_static("websocket"));
    request.body(()).unwrap()
}

async fn open_stream(client: &mut Client, path: &str) -> (h2::SendStream<Bytes>, h2::RecvStream) {
    // The server's settings allow it, and have to be there first.
    assert_eq!(client.get("/").await.status, 200);
    let sender = client.send.clone().ready().await.unwrap();
    let (asked, body) = { sender }.send_request(extended(path, "13"), false).unwrap();
    let response = asked.await.unwrap();
    assert_eq!(response.status(), 200);
    (body, response.into_body())
}

#[test]
fn it_works_over_http2() {
    let mut worker = serve("router", json!({ "graceful_timeout": 1 }));
    run(async {
        let mut client = Client::connect(&worker).await;
        let (mut body, mut echoed) = open_stream(&mut client, "/echoes").await;
        assert_eq!(client.ask(extended("/echoes", "8")).await.await.unwrap().status(), 426);
        // A masked text of two bytes; the mask is zero.
        body.send_data(Bytes::from_static(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']), false).unwrap();
        assert_eq!(echoed.data().await.unwrap().unwrap(), Bytes::from_static(&[0x81, 2, b'h', b'i']));
        // It keeps its connection from being idle, and is a loss when it is cut.
        worker.signal(Signal::TERM);
        while let Some(Ok(_)) = echoed.data().await {}
    });
    assert_eq!(worker.exit().0.code(), Some(0));
    worker.expect_log("cuts 1 connection after the graceful timeout of 1 s");
}

#[test]
fn over_http2_the_application_can_close_in_time() {
    let mut worker = serve("router", json!({}));
    run(async {
        let mut client = Client::connect(&worker).await;
        let (mut body, mut heard) = open_stream(&mut client, "/parts").await;
        worker.signal(Signal::TERM);
        assert_eq!(heard.data().await.unwrap().unwrap(), Bytes::from_static(&[0x88, 2, 0x03, 0xf4]));
        body.send_data(Bytes::from_static(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4]), true).unwrap();
        while let Some(rest) = heard.data().await {
            assert_eq!(rest.unwrap(), Bytes::new());
        }
    });
    let (status, took) = worker.exit();
    assert!(status.code() == Some(0) && took < Duration::from_secs(5), "{status} {took:?}");
    worker.expect_log("the client answers Some(Ok(Close(");
    assert!(!worker.log().contains(" cuts "), "{}", worker.log());
}
