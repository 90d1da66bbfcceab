//! The quick start: one router, one `export!`. In the root of the repository:
//!
//! ```sh
//! cargo run --release -- hello:router --workers 4 --bind 127.0.0.1:8000
//! curl http://127.0.0.1:8000/whoami
//! ```
//!
//! The routes below the first two are there to be cruel to a worker: to sleep, to block, to panic, to die.

use axum::Extension;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::{get, post};
use std::time::Duration;

/// The application: `rustcorn hello:router`, or the `router` of examples/static-link.
pub fn router() -> Router {
    Router::new()
        .route("/", get(async || "Hello, world!\n"))
        .route("/whoami", get(whoami))
        .route("/echo", post(async |body: Bytes| body))
        .route("/bytes/{count}", get(async |Path(count): Path<usize>| vec![b'x'; count]))
        .route("/stream/{chunks}", get(stream))
        .route("/sleep/{millis}", get(sleep))
        .route("/block/{millis}", get(block))
        .route("/panic", get(panic))
        .route("/abort", get(abort))
        .route("/overflow", get(async || format!("{}\n", overflow(1))))
}

rustcorn::export!(router);

/// Who answers, and to whom.
async fn whoami(Extension(connection): Extension<rustcorn::Connection>) -> String {
    format!(
        "pid={} slot={} generation={} peer={} local={} scheme={}\n",
        std::process::id(),
        connection.slot(),
        connection.generation(),
        connection.peer(),
        connection.local(),
        connection.scheme(),
    )
}

/// So many chunks, a millisecond apart.
async fn stream(Path(chunks): Path<usize>) -> Body {
    Body::from_stream(futures_util::stream::unfold(0, move |sent| async move {
        if sent == chunks {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Ok::<_, std::convert::Infallible>(format!("chunk {sent}\n")), sent + 1))
    }))
}

/// Waits, as a well-behaved handler does.
async fn sleep(Path(millis): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    format!("slept {millis} ms\n")
}

/// Waits, as no handler should.
async fn block(Path(millis): Path<u64>) -> String {
    blocks_on_purpose(Duration::from_millis(millis));
    format!("blocked {millis} ms\n")
}

/// A stuck worker's stack trace names this function.
#[inline(never)]
fn blocks_on_purpose(span: Duration) {
    std::thread::sleep(span);
}

async fn panic() -> &'static str {
    panic!("this handler panics on purpose")
}

async fn abort() -> &'static str {
    std::process::abort()
}

/// Calls itself until the stack is full.
#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let ballast = std::hint::black_box([depth; 512]);
    if depth == 0 { 0 } else { overflow(depth + 1) + ballast[0] }
}
