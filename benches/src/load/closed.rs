//! The closed loop: a client sends its next request when it has the answer to the last one.
//!
//! One thread serves all its clients from one epoll instance, without a runtime: the generator must cost less than what it
//! measures, or a fast server waits for it. A request costs one write, one read and a share of an `epoll_wait`. An answer
//! that equals the last good one byte for byte is good; any other goes through the parser.

use anyhow::{Context, Result, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Shape;
use super::client::{keep_alive_request, only_request};
use super::response;
use super::tally::Tally;

/// How often a thread without events looks whether the load is to end, in milliseconds.
const LOOK: u8 = 20;

/// Events taken from the kernel at once.
const BATCH: usize = 256;

/// Room for one answer. The routes that are measured answer with a few hundred bytes.
const BUFFER: usize = 16 * 1024;

/// How long an answer may be missing when the load has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves `clients` closed loops until the tally has enough. Leaves at the first failure: a contender that fails requests
/// has nothing to be measured.
pub fn run(shape: Shape, address: SocketAddr, clients: usize, tally: &Tally) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("no epoll instance")?;
    let request = match shape {
        Shape::KeepAlive => keep_alive_request("/"),
        Shape::OneRequestEach => only_request("/"),
    };
    let buffer = vec![0; BUFFER].into_boxed_slice();
    let mut field = Field { shape, address, tally, epoll, request, known: Known::default(), buffer };
    let mut clients = (0..clients).map(|index| field.connect(index).map(Some)).collect::<Result<Vec<_>>>()?;
    let mut events = [EpollEvent::empty(); BATCH];
    let mut last_call: Option<Instant> = None;
    while clients.iter().any(Option::is_some) {
        let count = match field.epoll.wait(&mut events, EpollTimeout::from(LOOK)) {
            Err(nix::errno::Errno::EINTR) => 0,
            other => other.context("cannot wait for events")?,
        };
        if !tally.wanted() && last_call.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            bail!("an answer is still missing {PATIENCE:?} after the end");
        }
        for event in &events[..count] {
            let index = usize::try_from(event.data()).context("an event of nobody")?;
            if let Some(client) = clients.get_mut(index) {
                field.turn(index, client)?;
            }
        }
    }
    Ok(())
}

/// One connection and the request under way on it.
struct Client {
    stream: TcpStream,
    /// When the request, or for one-request connections the connection, began.
    begun: Instant,
    /// Whether the request is out; before that the connection is still being made.
    sent: bool,
    /// Whether the answer is whole and only the end of the connection is awaited.
    closing: bool,
    /// The beginning of an answer that came in pieces.
    piece: Vec<u8>,
}

/// The last good answer.
#[derive(Default)]
struct Known {
    bytes: Vec<u8>,
    closes: bool,
}

/// What a thread's clients share.
struct Field<'a> {
    shape: Shape,
    address: SocketAddr,
    tally: &'a Tally,
    epoll: Epoll,
    request: Vec<u8>,
    known: Known,
    buffer: Box<[u8]>,
}

impl Field<'_> {
    /// Begins to connect, with Nagle's algorithm off as every contender has it.
    fn connect(&self, index: usize) -> Result<Client> {
        let begun = Instant::now();
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM.nonblocking().cloexec(), None);
        let socket = socket.context("no socket")?;
        socket.set_tcp_nodelay(true).context("cannot set TCP_NODELAY")?;
        match socket.connect(&self.address.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => {
                return Err(error).with_context(|| format!("cannot connect to {}", self.address));
            }
            _ => {}
        }
        let mut client = Client { stream: socket.into(), begun, sent: false, closing: false, piece: Vec::new() };
        // Edges only: once the request is out, nothing more is ever told about room for writing.
        let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        self.epoll.add(&client.stream, EpollEvent::new(edges, index as u64)).context("cannot watch a connection")?;
        self.send(&mut client)?;
        Ok(client)
    }

    /// Sends the request, at once or when the connection is there.
    fn send(&self, client: &mut Client) -> Result<()> {
        match client.stream.write(&self.request) {
            Ok(count) => {
                // A hundred bytes into an empty socket buffer never go out in part.
                ensure!(count == self.request.len(), "only {count} bytes of the request could be sent");
                client.sent = true;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => client.sent = false,
            Err(error) => return Err(error).context("cannot send the request"),
        }
        Ok(())
    }

    /// Takes a client as far as it goes without waiting. A client that is none any more has left for good.
    fn turn(&mut self, index: usize, place: &mut Option<Client>) -> Result<()> {
        let Some(client) = place else { return Ok(()) };
        if !client.sent {
            self.send(client)?;
        }
        while client.sent {
            let count = match client.stream.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot read the answer"),
            };
            if client.closing {
                ensure!(count == 0, "the server sent {count} bytes after the answer");
                return self.next(index, place, Instant::now(), true);
            }
            ensure!(count > 0, "the connection ended after {} bytes of the answer", client.piece.len());
            let Some(closes) = self.known.whole(&mut client.piece, &self.buffer[..count])? else { continue };
            if self.shape == Shape::KeepAlive {
                return self.next(index, place, Instant::now(), closes);
            }
            ensure!(closes, "the server keeps a connection that was to be closed");
            // The server closes first: the closing handshake is its own, and our port is free at once.
            client.closing = true;
        }
        Ok(())
    }

    /// Counts an answer and begins with the next request, on a connection of its own if the last one was closed.
    fn next(&self, index: usize, place: &mut Option<Client>, now: Instant, closed: bool) -> Result<()> {
        let Some(client) = place else { return Ok(()) };
        self.tally.answered(now - client.begun);
        if !self.tally.wanted() {
            // The kernel forgets a closed descriptor by itself.
            *place = None;
        } else if closed {
            *place = Some(self.connect(index)?);
        } else {
            client.begun = now;
            self.send(client)?;
        }
        Ok(())
    }
}

impl Known {
    /// Whether the answer in `piece` and `fresh` is whole, and if so whether the connection ends with it.
    fn whole(&mut self, piece: &mut Vec<u8>, fresh: &[u8]) -> Result<Option<bool>> {
        if piece.is_empty() && self.bytes == fresh {
            return Ok(Some(self.closes));
        }
        piece.extend_from_slice(fresh);
        let length = piece.len();
        let Some(head) = response::parse(piece)?.filter(|head| head.whole() <= length) else {
            ensure!(length < BUFFER, "the answer is larger than {BUFFER} bytes");
            return Ok(None);
        };
        ensure!(head.whole() == length, "the server sent more than the answer");
        ensure!(head.status == 200, "the answer has status {}", head.status);
        *self = Self { bytes: std::mem::take(piece), closes: head.closes };
        Ok(Some(head.closes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_whole_in_one_piece_and_in_many() {
        let mut known = Known::default();
        for cut in 1..ANSWER.len() {
            let mut piece = Vec::new();
            assert_eq!(known.whole(&mut piece, &ANSWER[..cut]).unwrap(), None);
            assert_eq!(known.whole(&mut piece, &ANSWER[cut..]).unwrap(), Some(false));
            assert!(piece.is_empty());
        }
        assert_eq!(known.whole(&mut Vec::new(), ANSWER).unwrap(), Some(false));
    }

    #[test]
    fn what_is_no_good_answer_is_an_error_however_good_the_last_one_was() {
        let mut known = Known::default();
        known.whole(&mut Vec::new(), ANSWER).unwrap();
        for bad in [
            &b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!",
            b"nonsense\r\n\r\n",
        ] {
            assert!(known.whole(&mut Vec::new(), bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
