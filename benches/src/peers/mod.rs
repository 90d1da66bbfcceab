//! What rustcorn is compared with: other ways to serve the very same router. They announce themselves as rustcorn
//! does and serve until they are killed.

mod axum_serve;
mod bare;

use anyhow::{Context, Result};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

pub use axum_serve::serve as axum_serve;
pub use bare::serve as bare;

/// Binds a free loopback port for tokio and says so on stderr.
fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).context("cannot bind 127.0.0.1")?;
    listener.set_nonblocking(true).context("cannot make the listener non-blocking")?;
    let address = listener.local_addr().context("cannot tell the port")?;
    writeln!(std::io::stderr(), "Listening at: http://{address} ({})", std::process::id())
        .context("stderr is closed")?;
    Ok(listener)
}
