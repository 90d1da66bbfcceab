//! The load generator: closed loops of clients on threads of their own, against loopback only.
//!
//! It runs beside the measurement, which reads the counters at two instants of its choice. A failed request makes the
//! whole measurement void, and says why.

mod client;
mod closed;
mod probe;
mod response;
mod tally;

use anyhow::{Context, Result, anyhow, ensure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub use probe::{Prober, Probes, Sighting};
use tally::Tally;

/// How often a load looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// How long an answer may be missing when the load has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a client uses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One connection for all its requests.
    KeepAlive,
    /// A connection for each request, closed by the server.
    OneRequestEach,
}

/// A load that is running. Ends when dropped.
pub struct Load {
    tally: Arc<Tally>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts `clients` closed loops, spread over `threads` threads.
    pub fn start(shape: Shape, address: SocketAddr, clients: usize, threads: usize) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "load goes to loopback only, not to {address}");
        let mut load = Self { tally: Arc::new(Tally::default()), threads: Vec::new() };
        for thread in 0..threads {
            let share = clients / threads + usize::from(thread < clients % threads);
            let tally = Arc::clone(&load.tally);
            let name = format!("load-{thread}");
            let body = move || serve_clients(shape, address, share, &tally);
            load.threads.push(std::thread::Builder::new().name(name).spawn(body).context("cannot start a thread")?);
        }
        Ok(load)
    }

    /// Whole answers so far.
    pub fn answered(&self) -> u64 {
        self.tally.count()
    }

    /// Ends the load; an error if any request failed.
    pub fn finish(mut self) -> Result<()> {
        self.stop();
        match self.tally.failure() {
            None => Ok(()),
            Some(failure) => Err(anyhow!("a request failed, so the measurement is void: {failure}")),
        }
    }

    fn stop(&mut self) {
        self.tally.enough();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.tally.failed(&anyhow!("a thread of the load generator panicked"));
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One thread of the load: its own runtime, its share of the clients.
fn serve_clients(shape: Shape, address: SocketAddr, clients: usize, tally: &Arc<Tally>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tally.failed(&anyhow!("cannot start a runtime: {error}")),
    };
    runtime.block_on(async {
        let clients: Vec<_> =
            (0..clients).map(|_| tokio::spawn(closed::client(shape, address, Arc::clone(tally)))).collect();
        while tally.wanted() && !clients.iter().all(|client| client.is_finished()) {
            tokio::time::sleep(LOOK).await;
        }
        for client in clients {
            match tokio::time::timeout(PATIENCE, client).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => tally.failed(&anyhow!("a client of the load generator panicked")),
                Err(_) => return tally.failed(&anyhow!("an answer is still missing {PATIENCE:?} after the end")),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_load_without_a_server_is_void() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let load = Load::start(Shape::KeepAlive, nobody, 2, 1).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while load.tally.failure().is_none() {
            assert!(Instant::now() < deadline, "nobody noticed");
            std::thread::sleep(Duration::from_millis(5));
        }
        let problem = load.finish().unwrap_err().to_string();
        assert!(problem.contains("void"), "{problem}");
    }

    #[test]
    fn load_never_leaves_the_machine() {
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 80));
        assert!(Load::start(Shape::KeepAlive, elsewhere, 1, 1).is_err());
    }
}
