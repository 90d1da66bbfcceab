//! Connections that have asked once and then do nothing: what a server keeps for each of them is its memory per idle
//! connection. Blocking sockets, since nobody waits for them in a crowd.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::client::{keep_alive_request, only_request};
use super::response;

/// How long one answer may take before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// Room for one answer.
const BUFFER: usize = 4096;

/// A crowd of idle keep-alive connections.
pub struct Idlers {
    address: SocketAddr,
    streams: Vec<TcpStream>,
}

impl Idlers {
    /// Nobody yet.
    pub fn at(address: SocketAddr) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "connections go to loopback only, not to {address}");
        Ok(Self { address, streams: Vec::new() })
    }

    /// Lets the crowd grow to `count`; each newcomer asks once, so that the server has seen a whole request from it.
    pub fn grow(&mut self, count: usize) -> Result<()> {
        self.streams.reserve_exact(count.saturating_sub(self.streams.len()));
        let request = keep_alive_request("/");
        while self.streams.len() < count {
            let mut stream = connect(self.address)
                .with_context(|| format!("idle connection {} of {count}", self.streams.len() + 1))?;
            ask(&mut stream, &request)
                .with_context(|| format!("idle connection {} of {count}", self.streams.len() + 1))?;
            self.streams.push(stream);
        }
        Ok(())
    }

    /// How long an answer takes while all of them are there: the longest of a few, half of them on fresh connections and
    /// half on old ones, from the first to the last.
    pub fn slowest_answer(&mut self, tries: usize) -> Result<Duration> {
        let request = keep_alive_request("/");
        let mut slowest = Duration::ZERO;
        let step = (self.streams.len() / tries.max(1)).max(1);
        for old in self.streams.iter_mut().step_by(step).take(tries) {
            let begun = Instant::now();
            ask(old, &request).context("an idle connection is dead")?;
            slowest = slowest.max(begun.elapsed());
            let begun = Instant::now();
            ask(&mut connect(self.address)?, &request)?;
            slowest = slowest.max(begun.elapsed());
        }
        Ok(slowest)
    }
}

/// One request on a fresh connection, answered by `deadline`.
pub fn first_answer(address: SocketAddr, deadline: Instant) -> Result<()> {
    // A limit of nothing would be none.
    let limit = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let mut stream = TcpStream::connect_timeout(&address, limit).context("cannot connect")?;
    stream.set_read_timeout(Some(limit)).context("cannot limit the wait")?;
    ask(&mut stream, &only_request("/"))
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).context("cannot connect")?;
    stream.set_read_timeout(Some(PATIENCE)).context("cannot limit the wait")?;
    stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
    Ok(stream)
}

/// One request and its whole answer.
fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<()> {
    stream.write_all(request).context("cannot send a request")?;
    let (mut buffer, mut filled) = ([0; BUFFER], 0);
    loop {
        let count = stream.read(&mut buffer[filled..]).context("no answer")?;
        if count == 0 {
            bail!("the connection ended after {filled} bytes of the answer");
        }
        filled += count;
        let Some(head) = response::parse(&buffer[..filled])? else { continue };
        if head.whole(&buffer[..filled])?.is_some_and(|whole| whole <= filled) {
            ensure!(head.status == 200, "the answer has status {}", head.status);
            return Ok(());
        }
    }
}
