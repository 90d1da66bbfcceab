//! Looks who answers, many times a second: each probe is a connection of its own that asks the application for its
//! process id. Counterpart of `commands::timing`, which compares the answers with the workers it knew before.

use anyhow::{Context, Result, anyhow, ensure};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::{Client, keep_alive_request, only_request};

/// The route of the applications that tells the process id of the worker.
const ROUTE: &str = "/whoami";

/// The oldest held connections are closed beyond this number, which is below every contender's own limit.
const MOST_HELD: usize = 400;

/// How probes are made.
#[derive(Clone, Copy, Debug)]
pub struct Probes {
    /// The time between two volleys: the resolution of what is measured.
    pub every: Duration,
    /// Probes in a volley, all at once.
    pub volley: usize,
    /// Leave answered connections open and idle, so that a worker that balances lets the newcomer have the next ones.
    /// Otherwise each connection is for one request.
    pub hold: bool,
}

/// What became of one probe.
#[derive(Debug)]
pub struct Sighting {
    /// When it began to connect.
    pub begun: Instant,
    /// Who answered and when the whole answer was there, or what went wrong.
    pub answer: Result<(i32, Instant)>,
}

/// Probes that are being made. Ends when dropped.
pub struct Prober {
    sightings: Receiver<Sighting>,
    enough: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Prober {
    /// Begins to probe.
    pub fn start(probes: Probes, address: SocketAddr) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "probes go to loopback only, not to {address}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        let (sender, sightings) = channel();
        let enough = Arc::new(AtomicBool::new(false));
        let body = {
            let enough = Arc::clone(&enough);
            move || runtime.block_on(volleys(probes, address, &enough, &sender))
        };
        let thread = std::thread::Builder::new().name("probes".into()).spawn(body).context("cannot start a thread")?;
        Ok(Self { sightings, enough, thread: Some(thread) })
    }

    /// The next sighting; none when there was no news until `deadline`.
    pub fn next(&self, deadline: Instant) -> Result<Option<Sighting>> {
        match self.sightings.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(sighting) => Ok(Some(sighting)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the probing thread is gone")),
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has shown itself in `next`, which is why its end says nothing new here.
            let _ = thread.join();
        }
    }
}

async fn volleys(probes: Probes, address: SocketAddr, enough: &AtomicBool, sender: &Sender<Sighting>) {
    let request: Arc<[u8]> = if probes.hold { keep_alive_request(ROUTE) } else { only_request(ROUTE) }.into();
    let (hold, mut held) = tokio::sync::mpsc::unbounded_channel();
    let mut kept = VecDeque::new();
    let mut beat = tokio::time::interval(probes.every);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !enough.load(Ordering::Relaxed) {
        beat.tick().await;
        while let Ok(client) = held.try_recv() {
            kept.push_back(client);
        }
        kept.drain(..kept.len().saturating_sub(MOST_HELD));
        for _ in 0..probes.volley {
            let (request, sender, hold) = (Arc::clone(&request), sender.clone(), hold.clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                let (answer, client) = match probe(address, &request).await {
                    Ok((seen, client)) => (Ok(seen), Some(client)),
                    Err(error) => (Err(error), None),
                };
                // Nobody may be listening any more at the end of a trial; then the answer interests nobody.
                let _ = sender.send(Sighting { begun, answer });
                if let Some(client) = client.filter(|_| probes.hold) {
                    let _ = hold.send(client);
                }
            });
        }
    }
}

async fn probe(address: SocketAddr, request: &[u8]) -> Result<((i32, Instant), Client)> {
    let mut client = Client::connect(address).await?;
    let answer = client.ask(request).await?;
    let at = Instant::now();
    let pid = pid_in(answer.body())?;
    Ok(((pid, at), client))
}

/// The process id in `pid=123 ...` or `{"pid": 123, ...}`.
fn pid_in(body: &[u8]) -> Result<i32> {
    let text = std::str::from_utf8(body).with_context(|| format!("{ROUTE} is not text"))?;
    let (_, after) = text.split_once("pid").with_context(|| format!("{ROUTE} tells no pid"))?;
    let number = after.trim_start_matches(['"', ':', '=', ' ']);
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().with_context(|| format!("{ROUTE} tells no pid in {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_is_found_among_other_facts() {
        assert_eq!(pid_in(br#"{"slot": 1, "pid": 4711, "generation": 3}"#).unwrap(), 4711);
        assert_eq!(pid_in(b"pid=4711 slot=0 generation=3\n").unwrap(), 4711);
        assert_eq!(pid_in(b"pid=4711").unwrap(), 4711);
    }

    #[test]
    fn an_answer_without_a_pid_is_an_error() {
        for bad in [&b"4711"[..], b"{}", b"pid", b"pid=", b"pid=me", br#"{"pid": 99999999999}"#, b"pid=\xff"] {
            assert!(pid_in(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
