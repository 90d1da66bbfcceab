//! The load generator: closed loops of clients on threads of their own, against loopback only.
//!
//! It runs beside the measurement, which reads the counters at two instants of its choice. A failed request makes the
//! whole measurement void, and says why.

mod client;
mod closed;
mod histogram;
mod idle;
mod probe;
mod response;
mod talk;
mod tally;

use anyhow::{Context, Result, anyhow, ensure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::process::pin;
pub use histogram::Counts;
pub use idle::{Idlers, first_answer};
pub use probe::{Prober, Probes, Sighting};
use tally::Tally;

/// What a client asks for, and how it uses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `GET /`, one connection for all its requests.
    KeepAlive,
    /// `GET /`, a connection for each request, closed by the server.
    OneRequestEach,
    /// As `KeepAlive`, of this path.
    Get(&'static str),
    /// As `Get`, but no request is like another: the query and a field have another value each time.
    Varied(&'static str),
    /// As `KeepAlive`, but a POST of so many bytes.
    Post(&'static str, usize),
    /// Messages of so many bytes over one WebSocket, each to be sent back.
    Echo(&'static str, usize),
}

/// A load that is running. Ends when dropped.
pub struct Load {
    tally: Arc<Tally>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts `clients` closed loops, spread over `threads` threads, on one processor if `cpu` says which.
    pub fn start(
        shape: Shape,
        address: SocketAddr,
        clients: usize,
        threads: usize,
        cpu: Option<usize>,
    ) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "load goes to loopback only, not to {address}");
        let mut load = Self { tally: Arc::new(Tally::default()), threads: Vec::new() };
        for thread in 0..threads {
            let share = clients / threads + usize::from(thread < clients % threads);
            let tally = Arc::clone(&load.tally);
            let body = move || {
                let end = pin(cpu).and_then(|()| closed::run(shape, address, share, &tally));
                if let Err(problem) = end {
                    tally.failed(&problem);
                }
            };
            let name = format!("load-{thread}");
            load.threads.push(std::thread::Builder::new().name(name).spawn(body).context("cannot start a thread")?);
        }
        Ok(load)
    }

    /// Whole answers so far, by latency.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_load_without_a_server_is_void() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let load = Load::start(Shape::KeepAlive, nobody, 2, 1, None).unwrap();
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
        assert!(Load::start(Shape::KeepAlive, elsewhere, 1, 1, None).is_err());
    }
}
