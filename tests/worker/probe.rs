//! The application that tells what it saw of a request, and answers in every way that HTTP allows, and in some that it
//! does not.

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// Requests that came here, but for those to `/seen`.
static SEEN: AtomicU64 = AtomicU64::new(0);

pub fn router() -> Router {
    let counted = Router::new()
        .route("/", any(async || "ok\n"))
        .route("/line", any(async |request: Request| format!("{} {}", request.method(), request.uri())))
        .route("/fields", any(async |headers: HeaderMap| format!("{headers:?}")))
        .route("/ignore", any(async || "ignored\n"))
        .route("/ignore/{n}", any(async |Path(n): Path<usize>| vec![b'i'; n]))
        .route("/collect", any(collect))
        .route("/late/{ms}", any(late))
        .route("/peek/{ms}", any(peek))
        .route("/slowly/{ms}", any(slowly))
        .route("/elsewhere/{ms}", any(elsewhere))
        .route("/sleep/{ms}", any(async |Path(ms): Path<u64>| pause(ms).await))
        .route("/block/{ms}", any(async |Path(ms): Path<u64>| holds_the_thread(ms)))
        .route("/bytes/{n}", any(async |Path(n): Path<usize>| vec![b'x'; n]))
        .route("/stream/{n}/{ms}", any(stream))
        .route("/upload/{ms}/{n}", any(upload))
        .route("/trailers", any(trailers))
        .route("/short", any(async || length("10", [Act::Data("short")])))
        .route("/long", any(async || length("4", [Act::Data("longer")])))
        .route("/fails/first", any(async || scripted([Act::Fail])))
        .route("/fails/later", any(async || scripted([Act::Data("some"), Act::Wait(50), Act::Fail])))
        .route("/tells/{how}", any(async |Path(how): Path<String>| Response::new(Body::new(Liar(how)))))
        .route("/close", any(async || ([("connection", "close")], "closing\n")))
        .route("/status/{code}", any(status))
        .layer(axum::middleware::map_request(async |request: Request| {
            SEEN.fetch_add(1, Relaxed);
            request
        }));
    Router::new().route("/seen", any(async || SEEN.load(Relaxed).to_string())).merge(counted)
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[inline(never)]
fn holds_the_thread(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Reads all, and says how much it was and what came after it.
async fn collect(request: Request) -> Result<String, (StatusCode, String)> {
    match request.into_body().collect().await {
        Ok(body) => {
            let trailers = body.trailers().cloned().unwrap_or_default();
            Ok(format!("{} {trailers:?}", body.to_bytes().len()))
        }
        Err(error) => Err((StatusCode::IM_A_TEAPOT, error.to_string())),
    }
}

/// Thinks first and reads then.
async fn late(Path(ms): Path<u64>, request: Request) -> Result<String, (StatusCode, String)> {
    pause(ms).await;
    collect(request).await
}

/// Waits for the body for a moment only, drops it, and thinks.
async fn peek(Path(ms): Path<u64>, request: Request) -> &'static str {
    let _patience = tokio::time::timeout(Duration::from_millis(50), collect(request)).await;
    pause(ms).await;
    "peeked\n"
}

/// The same, with the body in a task of its own.
async fn elsewhere(Path(ms): Path<u64>, request: Request) -> &'static str {
    let reading = tokio::spawn(collect(request));
    pause(50).await;
    reading.abort();
    pause(ms).await;
    "elsewhere\n"
}

/// Thinks between two pieces of the body.
async fn slowly(Path(ms): Path<u64>, request: Request) -> Result<String, (StatusCode, String)> {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
            Err(error) => return Err((StatusCode::IM_A_TEAPOT, error.to_string())),
        }
        pause(ms).await;
    }
    Ok(length.to_string())
}

async fn stream(Path((n, ms)): Path<(usize, u64)>) -> Response {
    scripted((0..n).flat_map(|_| [Act::Data("piece"), Act::Wait(ms)]))
}

/// Reads all, thinks, and answers with `n` bytes.
async fn upload(Path((ms, n)): Path<(u64, usize)>, body: Bytes) -> Vec<u8> {
    drop(body);
    pause(ms).await;
    vec![b'u'; n]
}

async fn trailers() -> Response {
    let mut fields = HeaderMap::new();
    fields.insert("sum", HeaderValue::from_static("7"));
    fields.insert("content-length", HeaderValue::from_static("99"));
    scripted([Act::Data("data"), Act::Trailers(fields)])
}

async fn status(Path(code): Path<u16>) -> Response {
    let mut response = Response::new(Body::from("a body"));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

fn length(length: &'static str, acts: impl IntoIterator<Item = Act>) -> Response {
    let mut response = scripted(acts);
    response.headers_mut().insert("content-length", HeaderValue::from_static(length));
    response
}

fn scripted(acts: impl IntoIterator<Item = Act>) -> Response {
    Response::new(Body::new(Script { acts: acts.into_iter().collect(), pause: None }))
}

enum Act {
    Data(&'static str),
    Wait(u64),
    Trailers(HeaderMap),
    Fail,
}

/// A body that does one thing after the other.
struct Script {
    acts: VecDeque<Act>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            return Poll::Ready(match self.acts.pop_front() {
                None => None,
                Some(Act::Data(text)) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
                Some(Act::Trailers(fields)) => Some(Ok(Frame::trailers(fields))),
                Some(Act::Fail) => Some(Err(std::io::Error::other("the body fails"))),
                Some(Act::Wait(ms)) => {
                    self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(ms))));
                    continue;
                }
            });
        }
    }
}

/// A body that panics when it is asked about itself.
struct Liar(String);

impl HttpBody for Liar {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        assert!(self.0 != "end", "nobody knows the end");
        false
    }

    fn size_hint(&self) -> SizeHint {
        assert!(self.0 != "size", "nobody knows the size");
        SizeHint::new()
    }
}
