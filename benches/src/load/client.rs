//! One client connection of the probes: sends a request, waits for the whole answer, leaves the rest to its caller.

use anyhow::{Context, Result, bail, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::response::{self, Head};

/// Room for one answer. The routes that are measured answer with a few hundred bytes.
const BUFFER: usize = 16 * 1024;

/// The request that keeps its connection open.
pub fn keep_alive_request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// The request that is the only one of its connection.
pub fn only_request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
}

/// A connection to a contender.
pub struct Client {
    stream: TcpStream,
    buffer: Box<[u8; BUFFER]>,
}

impl Client {
    /// Connects, with Nagle's algorithm off as every contender has it.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        Ok(Self { stream, buffer: Box::new([0; BUFFER]) })
    }

    /// One request and its whole answer. Any status but 200 is an error, and so are bytes that nobody asked for.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await.context("cannot send the request")?;
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..]).await.context("cannot read the answer")?;
            if count == 0 {
                bail!("the connection ended after {filled} bytes of the answer");
            }
            filled += count;
            let Some(head) = response::parse(&self.buffer[..filled])? else {
                ensure!(filled < BUFFER, "the head of the answer is larger than {BUFFER} bytes");
                continue;
            };
            let whole = head.whole(&self.buffer[..filled])?.filter(|whole| *whole <= filled);
            let Some(whole) = whole else {
                ensure!(filled < BUFFER, "the answer is larger than {BUFFER} bytes");
                continue;
            };
            ensure!(filled == whole, "the server sent more than the answer");
            ensure!(head.status == 200, "the answer has status {}", head.status);
            return Ok(Answer { head, bytes: &self.buffer[..filled] });
        }
    }
}

/// A whole answer with status 200.
pub struct Answer<'a> {
    head: Head,
    bytes: &'a [u8],
}

impl Answer<'_> {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.head.body_at..]
    }
}
