//! The hyper loop that somebody would write by hand for one thread: accept, spawn, serve. Nothing supervises it,
//! nothing counts, nothing drains. It is the floor that rustcorn's worker is measured against.

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::net::TcpListener;

/// Serves the hello router on tokio's current-thread runtime.
pub fn serve(listener: TcpListener) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let service = TowerToHyperService::new(hello::router());
        loop {
            let (stream, _) = listener.accept().await.context("cannot accept")?;
            stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
            // A client that breaks off is its own affair.
            tokio::spawn(async move { connection.await.ok() });
        }
    })
}
