//! What axum's own documentation shows: one process, a multi-threaded runtime, `axum::serve`.

use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use std::net::TcpListener;

/// Serves the hello router on so many threads.
pub fn serve(listener: TcpListener, threads: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    runtime.context("no runtime")?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let listener = listener.tap_io(|stream| {
            // Fails only for a connection that is already dead.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, hello::router()).await.context("axum::serve ended")
    })
}
