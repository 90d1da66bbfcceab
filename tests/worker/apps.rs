//! The applications that the tests serve, by name.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Path};
use axum::routing::{any, get, post};
use http::{Request, Response};
use rustcorn::abi::{Inherited, Seat};
use rustcorn::worker::main_for;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

/// Runs the worker with the application of this name.
pub fn run(name: &str, seat: &Seat) -> i32 {
    let seat = Inherited::of(seat);
    match name {
        "router" => main_for(seat, router),
        "probe" => main_for(seat, crate::probe::router),
        "eventual" => main_for(seat, eventual),
        "refusing" => main_for(seat, refusing),
        "boxed" => main_for(seat, boxed),
        "panicking" => main_for(seat, panicking),
        "hanging" => main_for(seat, hanging),
        "hooked" => main_for(seat, hooked),
        "stuck_hook" => main_for(seat, stuck_hook),
        "brittle" => main_for(seat, || Brittle { first: true }),
        "talking" => main_for(seat, talking),
        "listening" => main_for(seat, listening),
        "panicking_hook" => main_for(seat, panicking_hook),
        "failing" => main_for(seat, || Failing),
        "bodied" => main_for(seat, || tower::service_fn(bodied)),
        "reluctant" => main_for(seat, || Reluctant { ready: false }),
        other => panic!("no application {other}"),
    }
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "hello\n"))
        .route(
            "/whoami",
            get(async |Extension(c): Extension<rustcorn::Connection>| {
                format!("{} {} {} {} {}", c.peer(), c.local(), c.scheme(), c.slot(), c.generation())
            }),
        )
        .route("/echo", post(async |body: Bytes| body))
        .route("/through", post(async |body: Body| body))
        .route("/refuse", post(async || (http::StatusCode::PAYLOAD_TOO_LARGE, "x".repeat(100_000))))
        .route("/bytes/{n}", get(async |Path(n): Path<usize>| vec![b'x'; n]))
        .route("/sleep/{ms}", get(async |Path(ms): Path<u64>| tokio::time::sleep(Duration::from_millis(ms)).await))
        .route("/block/{ms}", get(async |Path(ms): Path<u64>| blocks_on_purpose(ms)))
        .route("/panic", get(panics))
        .route("/torn", get(async || Body::new(Torn { sent: 0 })))
        .route("/record", get(async || log::warn!("a record of a library")))
        .route("/upgrade", get(upgrade))
        .route("/unupgraded", get(async || "not here\n"))
        .route("/fields", get(fields))
        .route("/held", get(held))
        .route("/echoes", any(async |socket: WebSocketUpgrade| socket.on_upgrade(echoes)))
        .route("/parts", any(async |socket: WebSocketUpgrade| socket.on_upgrade(parts)))
        .route("/pushes", any(async |socket: WebSocketUpgrade| socket.on_upgrade(pushes)))
        .route("/event", get(async || tracing::info!(answer = 42, "an event of the application")))
}

/// Switches protocols, and then holds the connection without a word.
async fn upgrade(mut request: Request<Body>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let _held = upgrade.await;
        std::future::pending::<()>().await;
    });
    let response = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "x");
    response.body(Body::empty()).unwrap()
}

/// What the request says about its host and its cookies.
async fn fields(headers: http::HeaderMap) -> String {
    let all = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("|");
    format!("{} {}", all("host"), all("cookie"))
}

/// Waits for ever, and tells when it is not waited for any more.
async fn held() {
    struct Told;
    impl Drop for Told {
        fn drop(&mut self) {
            log::warn!("the handler is dropped");
        }
    }
    let _told = Told;
    std::future::pending::<()>().await;
}

/// Sends back what comes, until the client closes.
async fn echoes(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        match message {
            Message::Close(frame) => log::warn!("the client closes with {:?}", frame.map(|frame| frame.code)),
            other => {
                if socket.send(other).await.is_err() {
                    break;
                }
            }
        }
    }
    log::warn!("the socket is over");
}

/// Sends without a pause and never reads.
/// Says itself that its worker leaves.
async fn parts(mut socket: WebSocket) {
    let parted = tokio::select! {
        () = rustcorn::leaving() => socket.send(Message::Close(Some(CloseFrame { code: 1012, reason: "".into() }))).await,
        heard = socket.recv() => panic!("{heard:?} before the worker leaves"),
    };
    parted.unwrap();
    let answer = socket.recv().await;
    log::info!("the client answers {answer:?}");
}

async fn pushes(mut socket: WebSocket) {
    let piece = Bytes::from(vec![b'x'; 100_000]);
    while socket.send(Message::Binary(piece.clone())).await.is_ok() {
        tokio::task::yield_now().await;
    }
    log::warn!("the socket is over");
}

/// Has a body whatever is asked, and a head of its own for some.
async fn bodied(request: Request<rustcorn::Body>) -> Result<Response<axum::body::Body>, Infallible> {
    let mut response = Response::new(axum::body::Body::from("whole\n"));
    match request.uri().path() {
        "/short" => drop(response.headers_mut().insert("content-length", "10".parse().unwrap())),
        "/long" => drop(response.headers_mut().insert("content-length", "3".parse().unwrap())),
        path => {
            if let Ok(status) = path[1..].parse::<u16>() {
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            }
        }
    }
    Ok(response)
}

#[inline(never)]
fn blocks_on_purpose(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

async fn panics() -> &'static str {
    panic!("a handler panics")
}

/// A body that panics after its first piece.
struct Torn {
    sent: u32,
}

impl http_body::Body for Torn {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.sent += 1;
        match self.sent {
            1 => Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"first piece"))))),
            // The first piece is written before the panic.
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => panic!("a body panics"),
        }
    }
}

async fn eventual() -> Result<Router, std::io::Error> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(router())
}

#[derive(Debug, thiserror::Error)]
#[error("the database is away")]
struct Away(#[source] std::io::Error);

fn refusing() -> Result<Router, Away> {
    Err(Away(std::io::Error::other("no route to host")))
}

fn boxed() -> Result<Router, Box<dyn std::error::Error>> {
    Err("only a text".into())
}

async fn panicking() -> Router {
    panic!("the factory panics")
}

fn hanging() -> Router {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn hooked() -> rustcorn::App<Router> {
    rustcorn::App::new(router()).on_shutdown(async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tracing::info!("the hook has run");
    })
}

fn stuck_hook() -> rustcorn::App<Router> {
    rustcorn::App::new(router()).on_shutdown(std::future::pending)
}

fn panicking_hook() -> rustcorn::App<Router> {
    rustcorn::App::new(router()).on_shutdown(async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        panic!("a hook panics")
    })
}

async fn talking() -> Result<Router, std::io::Error> {
    tracing::info!("before the first await");
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracing::info!("after it");
    tracing::trace!("too fine for the log");
    Ok(router())
}

/// Has a subscriber of its own, which hears everything and says nothing.
fn listening() -> Router {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    router()
}

/// A tower service that panics when the last of it goes away.
struct Brittle {
    first: bool,
}

impl Clone for Brittle {
    fn clone(&self) -> Self {
        Self { first: false }
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(!self.first || std::thread::panicking(), "a service breaks");
    }
}

impl tower::Service<Request<rustcorn::Body>> for Brittle {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<rustcorn::Body>) -> Self::Future {
        ready(Ok(Response::new("whole\n".to_owned())))
    }
}

/// A tower service that always fails.
#[derive(Clone)]
struct Failing;

impl tower::Service<Request<rustcorn::Body>> for Failing {
    type Response = Response<String>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<rustcorn::Body>) -> Self::Future {
        ready(Err(std::io::Error::other("the service fails")))
    }
}

/// A tower service that is not ready at once, and insists on being asked.
struct Reluctant {
    ready: bool,
}

impl Clone for Reluctant {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl tower::Service<Request<rustcorn::Body>> for Reluctant {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if std::mem::replace(&mut self.ready, true) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request<rustcorn::Body>) -> Self::Future {
        assert!(self.ready, "called before it was ready");
        ready(Ok(Response::new("ready\n".to_owned())))
    }
}
