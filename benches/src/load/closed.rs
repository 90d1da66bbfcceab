//! The closed loop: a client sends its next request when it has the answer to the last one.
//!
//! One thread serves all its clients from one epoll instance, without a runtime: the generator must cost less than what it
//! measures, or a fast server waits for it. A request costs one write, one read and a share of an `epoll_wait`. What is said
//! and what is a good answer: `talk`.

use anyhow::{Context, Result, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Shape;
use super::talk::{BUFFER, Talk};
use super::tally::Tally;

/// How often a thread without events looks whether the load is to end, in milliseconds.
const LOOK: u8 = 20;

/// Events taken from the kernel at once.
const BATCH: usize = 256;

/// How long an answer may be missing when the load has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves `clients` closed loops until the tally has enough. Leaves at the first failure: a contender that fails requests
/// has nothing to be measured.
pub fn run(shape: Shape, address: SocketAddr, clients: usize, tally: &Tally) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("no epoll instance")?;
    let buffer = vec![0; BUFFER].into_boxed_slice();
    let mut field = Field { shape, address, tally, epoll, talk: Talk::of(shape), buffer };
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
    /// Whether the WebSocket is still to be opened.
    opening: bool,
    /// How many bytes of the request are out. None while the connection is still being made.
    sent: usize,
    /// Whether the answer is whole and only the end of the connection is awaited.
    closing: bool,
    /// The beginning of an answer that came in pieces.
    piece: Vec<u8>,
}

/// What a thread's clients share.
struct Field<'a> {
    shape: Shape,
    address: SocketAddr,
    tally: &'a Tally,
    epoll: Epoll,
    talk: Talk,
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
        let opening = self.talk.opening.is_some();
        let mut client = Client { stream: socket.into(), begun, opening, sent: 0, closing: false, piece: Vec::new() };
        // Edges only: once there is room for writing, nothing more is told about it until there was none.
        let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        self.epoll.add(&client.stream, EpollEvent::new(edges, index as u64)).context("cannot watch a connection")?;
        self.send(&mut client)?;
        Ok(client)
    }

    /// What the client has to say.
    fn words(&self, client: &Client) -> &[u8] {
        self.talk.opening.as_deref().filter(|_| client.opening).unwrap_or(&self.talk.request)
    }

    /// Sends the request, or what is left of it, as far as there is room; whether it is out.
    fn send(&self, client: &mut Client) -> Result<bool> {
        let words = self.words(client);
        while client.sent < words.len() {
            match client.stream.write(&words[client.sent..]) {
                Ok(count) => client.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("cannot send the request"),
            }
        }
        Ok(true)
    }

    /// Takes a client as far as it goes without waiting. A client that is none any more has left for good.
    fn turn(&mut self, index: usize, place: &mut Option<Client>) -> Result<()> {
        let Some(client) = place else { return Ok(()) };
        while self.send(client)? {
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
            if client.opening {
                if Talk::opened(&mut client.piece, &self.buffer[..count])? {
                    (client.opening, client.sent, client.begun) = (false, 0, Instant::now());
                }
                continue;
            }
            let Some(closes) = self.talk.whole(&mut client.piece, &self.buffer[..count])? else { continue };
            if self.shape != Shape::OneRequestEach {
                return self.next(index, place, Instant::now(), closes);
            }
            ensure!(closes, "the server keeps a connection that was to be closed");
            // The server closes first: the closing handshake is its own, and our port is free at once.
            client.closing = true;
        }
        Ok(())
    }

    /// Counts an answer and begins with the next request, on a connection of its own if the last one was closed.
    fn next(&mut self, index: usize, place: &mut Option<Client>, now: Instant, closed: bool) -> Result<()> {
        let Some(client) = place else { return Ok(()) };
        self.tally.answered(now - client.begun);
        self.talk.vary();
        if !self.tally.wanted() {
            // The kernel forgets a closed descriptor by itself.
            *place = None;
        } else if closed {
            *place = Some(self.connect(index)?);
        } else {
            (client.begun, client.sent) = (now, 0);
            self.send(client)?;
        }
        Ok(())
    }
}
