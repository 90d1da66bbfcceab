//! What comes before HTTP on some connections: a proxy's header, and the TLS handshake.

use super::connection::{Address, Connection, Greeting};
use super::context::Worker;
use super::wire::{Io, Stream};
use crate::proxies::{Claim, MAX_HEADER, Verdict};
use bytes::BytesMut;
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;

/// What a client said before HTTP.
pub(super) struct Greeted {
    pub(super) io: Io,
    /// HTTP/2 was agreed upon (ALPN).
    pub(super) http2: bool,
}

/// Whether connections from such a listener have anything to say before HTTP.
pub(super) fn is_needed(worker: &Worker, tls: bool) -> bool {
    tls || worker.trust.gate.is_on()
}

/// Hears it out. An error is the client's doing, and there is nobody who would understand an answer.
pub(super) async fn greet(worker: &'static Worker, io: Io, connection: Connection, tls: bool) -> io::Result<Greeted> {
    let mut io = io;
    let mut greeting = Greeting::default();
    if worker.trust.gate.is_on() {
        hear_proxy(worker, &mut io, &connection, &mut greeting).await?;
    }
    let mut http2 = false;
    if tls {
        let Some(tls) = &worker.tls else { return Err(io::Error::other("this worker has no certificate")) };
        let early = io.take_stream();
        let (stream, facts) = tls.accept(early).await?;
        http2 = facts.alpn() == Some(b"h2");
        io.set_stream(Stream::Tls(Box::new(stream)));
        greeting.tls = Some(facts);
    }
    connection.greet(greeting);
    Ok(Greeted { io, http2 })
}

async fn hear_proxy(worker: &Worker, io: &mut Io, connection: &Connection, greeting: &mut Greeting) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    let socket = connection.socket_trust();
    loop {
        match worker.trust.gate.judge(socket, &bytes) {
            Verdict::Plain => break,
            Verdict::Refuse(refusal) => return Err(io::Error::new(io::ErrorKind::InvalidData, refusal)),
            Verdict::For(header) => {
                drop(bytes.split_to(header.len));
                greeting.trust = Some(header.claim.peer(socket));
                greeting.proxied_tls = header.tls;
                greeting.ends = ends(&header.claim);
                break;
            }
            Verdict::NeedMore => {
                bytes.reserve(MAX_HEADER);
                if io.read_buf(&mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
    io.put_back([bytes.freeze()]);
    Ok(())
}

fn ends(claim: &Claim) -> Option<(Address, Address)> {
    let tcp = |address: &SocketAddr| Address::Tcp(*address);
    match claim {
        Claim::Tcp { source, destination } => Some((tcp(source), tcp(destination))),
        Claim::Local | Claim::Unknown | Claim::Unix => None,
    }
}
