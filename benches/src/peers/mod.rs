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
pub fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).context("cannot bind 127.0.0.1")?;
    listener.set_nonblocking(true).context("cannot make the listener non-blocking")?;
    let address = listener.local_addr().context("cannot tell the port")?;
    writeln!(std::io::stderr(), "Listening at: http://{address} ({})", std::process::id())
        .context("stderr is closed")?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Load, Shape};
    use std::time::{Duration, Instant};

    /// Both kinds of clients get answers from a server; the thread ends with the test process.
    fn serves_both_kinds_of_clients(serve: impl FnOnce(TcpListener) -> Result<()> + Send + 'static) {
        let listener = listen().unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(listener));
        for shape in [Shape::KeepAlive, Shape::OneRequestEach] {
            let load = Load::start(shape, address, 5, 2, None).unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            while load.counts().total() < 50 {
                assert!(Instant::now() < deadline, "{shape:?}: {} answers", load.counts().total());
                std::thread::sleep(Duration::from_millis(5));
            }
            load.finish().unwrap();
        }
    }

    #[test]
    fn the_hand_written_loop_serves() {
        serves_both_kinds_of_clients(bare);
    }

    #[test]
    fn axum_serve_serves() {
        serves_both_kinds_of_clients(|listener| axum_serve(listener, 2));
    }
}
