//! Applications that work.

use axum::Router;
use axum::extract::Path;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Mutex;
use std::time::Duration;

/// What the test applications answer at `/`: not what hello answers.
const GREETING: &str = "the second version\n";

/// A replacement for hello, with routes that hello has no use for.
pub fn router() -> Router {
    Router::new()
        .route("/", get(|| async { GREETING }))
        .route("/whoami", get(whoami))
        .route("/grow/{mb}", get(grow))
        .route("/segfault", get(segfault))
        .route("/exit/{code}", get(exit))
        .route("/tell", get(tell))
        .route("/env/{key}", get(env))
        .route("/stranger", get(stranger))
        .route("/echoes", get(async |socket: WebSocketUpgrade| socket.on_upgrade(echoes)))
}

/// Takes a while to boot.
pub fn slow() -> Router {
    std::thread::sleep(Duration::from_millis(700));
    router()
}

/// Is built by an async function that awaits something real.
pub async fn later() -> Router {
    tokio::time::sleep(Duration::from_millis(20)).await;
    router()
}

/// Could fail, and does not.
pub fn fallible() -> Result<Router, std::io::Error> {
    Ok(router())
}

async fn whoami() -> String {
    format!("pid={} slot=0 generation=0\n", std::process::id())
}

/// Keeps so many megabytes for ever.
async fn grow(Path(mb): Path<usize>) -> String {
    static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().expect("nobody panics with it");
    // Written to, so that it is resident.
    kept.push(vec![1; mb << 20]);
    format!("{}\n", kept.len())
}

/// Dies as a bad pointer would make it: again and again, since the first time Rust's own handler steps aside and lets
/// the instruction try once more.
async fn segfault() -> &'static str {
    loop {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSEGV);
    }
}

/// Leaves in the middle of a request, as a library that calls exit does.
#[allow(clippy::exit)]
async fn exit(Path(code): Path<i32>) -> &'static str {
    std::process::exit(code)
}

/// Says something through `tracing`.
async fn tell() -> &'static str {
    tracing::warn!(answer = 42, "the application has something to say");
    "told\n"
}

/// Sends back what comes, for as long as the client likes.
async fn echoes(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    tracing::warn!("the socket is over");
}

/// A variable of the environment, 404 if it is not set.
async fn env(Path(key): Path<String>) -> Result<String, StatusCode> {
    std::env::var(key).map_err(|_| StatusCode::NOT_FOUND)
}

/// Leaves a process behind whose parent is gone at once: a stranger that only PID 1 can reap.
async fn stranger() -> Result<&'static str, StatusCode> {
    let shell = std::process::Command::new("sh").args(["-c", "sleep 1 &"]).status();
    shell.map(|_| "left\n").map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
