//! Clients in numbers, at a pace: keep-alive connections and one connection per request together. Counts what is lost.
//!
//! Lost is what a client of a healthy server never sees: refused, reset, closed before the answer, truncated, a
//! timeout, a 5xx. A server may end a connection after an answer that said so; the client then connects anew. No
//! client idles as long as the server's keep-alive time, so there is no other clean end.

use super::http::{Address, Client, Reply};
use super::wait::{ms, secs};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Keep-alive clients and one-shot clients, each sending a request every 50 ms: 240 requests/s.
const KEEP_ALIVE: usize = 8;
const ONE_SHOT: usize = 4;
const PACE: Duration = ms(50);
const PATIENCE: Duration = secs(15);

/// What the clients ask for, in turn: short ones, some that are in flight for a while, one with a larger body.
const PATHS: [&str; 5] = ["/", "/sleep/20", "/whoami", "/bytes/20000", "/"];

#[derive(Default)]
struct Count {
    stop: AtomicBool,
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

/// Load that runs until it is stopped.
pub struct Load {
    count: Arc<Count>,
    clients: Vec<JoinHandle<()>>,
    begun: Instant,
}

/// What came of it.
#[derive(Debug)]
pub struct Tally {
    pub answered: usize,
    pub lost: Vec<String>,
    pub rate: f64,
}

impl Load {
    /// Starts every client.
    pub fn start(address: &Address) -> Self {
        let count = Arc::new(Count::default());
        let clients = (0..KEEP_ALIVE + ONE_SHOT)
            .map(|number| {
                let (count, address) = (Arc::clone(&count), address.clone());
                std::thread::spawn(move || client(number, &address, &count))
            })
            .collect();
        Self { count, clients, begun: Instant::now() }
    }

    /// How many requests were answered well so far.
    pub fn answered(&self) -> usize {
        self.count.answered.load(Ordering::Relaxed)
    }

    /// How many requests were lost so far.
    pub fn lost(&self) -> usize {
        self.count.lost.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Lets every client finish its request and counts.
    pub fn stop(self) -> Tally {
        let span = self.begun.elapsed();
        let rate = self.answered() as f64 / span.as_secs_f64();
        self.count.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        let lost = std::mem::take(&mut *self.count.lost.lock().unwrap_or_else(PoisonError::into_inner));
        Tally { answered: self.count.answered.load(Ordering::Relaxed), lost, rate }
    }
}

impl Tally {
    /// Not one request was lost, and there was real load.
    #[track_caller]
    pub fn assert_lossless(&self, what: &str) {
        let first: Vec<&String> = self.lost.iter().take(10).collect();
        println!("{what}: {} answered, {} lost, {:.0} requests/s", self.answered, self.lost.len(), self.rate);
        assert!(self.lost.is_empty(), "{what}: {} of {} lost: {first:#?}", self.lost.len(), self.answered);
        assert!(self.rate >= 200.0, "{what}: only {:.0} requests/s", self.rate);
    }
}

fn client(number: usize, address: &Address, count: &Count) {
    let keep_alive = number < KEEP_ALIVE;
    let mut open: Option<Client> = None;
    // Spread over the pace, so that the requests do not come in volleys.
    let mut next = Instant::now() + PACE * u32::try_from(number).unwrap_or(0) / 12;
    for turn in number.. {
        if count.stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        // A client that had to wait for a slow answer catches up: the rate is a total, not a hope.
        next += PACE;
        let path = PATHS[turn % PATHS.len()];
        let reused = open.is_some();
        match ask(&mut open, address, path, keep_alive) {
            Ok(reply) if reply.status < 500 => {
                count.answered.fetch_add(1, Ordering::Relaxed);
            }
            outcome => {
                let what = match outcome {
                    Ok(reply) => format!("status {}", reply.status),
                    Err(error) => format!("{:?}: {error}", error.kind()),
                };
                let kind = if keep_alive { "keep-alive" } else { "one-shot" };
                let line = format!("{kind} client {number}, GET {path}, reused connection: {reused}: {what}");
                open = None;
                let mut lost = count.lost.lock().unwrap_or_else(PoisonError::into_inner);
                lost.push(line);
            }
        }
    }
}

fn ask(open: &mut Option<Client>, address: &Address, path: &str, keep_alive: bool) -> io::Result<Reply> {
    let mut client = match open.take() {
        Some(client) => client,
        None => Client::connect(address, PATIENCE)?,
    };
    let connection = if keep_alive { "" } else { "Connection: close\r\n" };
    client.send(format!("GET {path} HTTP/1.1\r\nHost: load\r\n{connection}\r\n").as_bytes())?;
    let reply = client.reply()?;
    if reply.closes() {
        // What was announced must come, and nothing else.
        client.wait_closed()?;
    } else if keep_alive {
        *open = Some(client);
    }
    Ok(reply)
}
