//! One inherited listening socket, inside the event loop or outside.

use crate::abi::{KIND_UNIX, LEAVING_PASSED, SeatListener};
use crate::sys::{accepting, fd};
use crate::worker::connection::Address;
use crate::worker::wire::Stream;
use std::io;
use std::net::TcpListener as StdTcp;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener as StdUnix;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A connection that was accepted.
pub(in crate::worker) struct Accepted {
    pub(in crate::worker) stream: Stream,
    pub(in crate::worker) peer: Address,
    pub(in crate::worker) local: Address,
    /// TLS is spoken there.
    pub(in crate::worker) tls: bool,
}

/// A listening socket.
pub(super) struct Door {
    /// `SHARED_LANE`, or which lane it is.
    pub(super) lane: u32,
    /// It is in no bind any more.
    pub(super) leaving: bool,
    /// It is somebody else's, too: the arbiter does not end it.
    pub(super) passed: bool,
    /// TLS is spoken on every connection from here.
    tls: bool,
    /// Our end of every connection from here; none if each has its own (a wildcard address).
    local: Option<Address>,
    listener: Listener,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    /// Not in the event loop.
    Shut(Shut),
}

/// A listening socket outside the event loop.
enum Shut {
    Tcp(StdTcp),
    Unix(StdUnix),
}

impl Door {
    /// Takes the socket over; it is shut.
    pub(super) fn inherit(listener: &SeatListener) -> io::Result<Self> {
        let fd = fd::adopt(listener.fd)?;
        fd::set_nonblocking(&fd)?;
        let (shut, local) = if listener.kind == KIND_UNIX {
            let listener = StdUnix::from(fd);
            let path = listener.local_addr()?.as_pathname().map(Into::into);
            (Shut::Unix(listener), Some(Address::Unix(path)))
        } else {
            accepting::set_nodelay(&fd)?;
            let listener = StdTcp::from(fd);
            let address = listener.local_addr()?;
            let local = (!address.ip().is_unspecified()).then_some(Address::Tcp(address));
            (Shut::Tcp(listener), local)
        };
        let (lane, leaving, tls) = (listener.lane, listener.leaving != 0, listener.tls != 0);
        let passed = listener.leaving == LEAVING_PASSED;
        Ok(Self { lane, leaving, passed, tls, local, listener: Listener::Shut(shut) })
    }

    /// Whether anybody can wait in it; Linux would tell an event loop of one that does not listen that it has hung up.
    pub(super) fn listens(&self) -> bool {
        self.outside().is_none_or(accepting::accepts_connections)
    }

    /// The same of one that may be open, too.
    pub(super) fn still_listens(&self) -> bool {
        match &self.listener {
            Listener::Tcp(listener) => accepting::accepts_connections(listener),
            Listener::Unix(listener) => accepting::accepts_connections(listener),
            Listener::Shut(shut) => accepting::accepts_connections(shut.as_fd()),
        }
    }

    /// Whether it refuses because there was time enough to leave it.
    pub(super) fn has_ended(&self, error: &io::Error) -> bool {
        self.leaving && accepting::has_stopped_listening(error)
    }

    /// Takes what waits, if the socket is shut.
    pub(super) fn take(&self) -> Option<io::Result<Accepted>> {
        match &self.listener {
            Listener::Shut(shut) => Some(shut.accept(self.local.as_ref(), self.tls)),
            Listener::Tcp(_) | Listener::Unix(_) => None,
        }
    }

    /// The socket, if it is shut.
    pub(super) fn outside(&self) -> Option<BorrowedFd<'_>> {
        match &self.listener {
            Listener::Shut(shut) => Some(shut.as_fd()),
            Listener::Tcp(_) | Listener::Unix(_) => None,
        }
    }

    /// Enters the event loop. If that fails, the socket stays outside.
    pub(super) fn opened(self) -> (Option<Self>, Option<io::Error>) {
        let (listener, trouble) = match self.listener {
            Listener::Shut(shut) => match shut.try_clone() {
                // The event loop drops what it cannot take.
                Ok(spare) => match shut.open() {
                    Ok(open) => (open, None),
                    Err(error) => (Listener::Shut(spare), Some(error)),
                },
                Err(error) => (Listener::Shut(shut), Some(error)),
            },
            open => (open, None),
        };
        (Some(Self { listener, ..self }), trouble)
    }

    /// Leaves the event loop. A socket that cannot is lost: the kernel has forgotten it already.
    pub(super) fn shut(self) -> (Option<Self>, Option<io::Error>) {
        match self.listener.shut() {
            Ok(shut) => (Some(Self { listener: Listener::Shut(shut), ..self }), None),
            Err(error) => (None, Some(error)),
        }
    }

    /// Asks the event loop for a connection; a shut socket has none.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let answer = match &self.listener {
            Listener::Tcp(listener) => {
                listener.poll_accept(cx).map_ok(|(stream, peer)| (Stream::Tcp(stream), Address::Tcp(peer)))
            }
            Listener::Unix(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, peer)| (Stream::Unix(stream), Address::Unix(peer.as_pathname().map(Into::into)))),
            Listener::Shut(_) => Poll::Pending,
        };
        answer.map(|answer| answer.and_then(|(stream, peer)| complete(stream, peer, self.local.as_ref(), self.tls)))
    }
}

fn complete(stream: Stream, peer: Address, local: Option<&Address>, tls: bool) -> io::Result<Accepted> {
    let local = match local {
        Some(local) => local.clone(),
        None => stream.local()?,
    };
    Ok(Accepted { stream, peer, local, tls })
}

impl Listener {
    fn shut(self) -> io::Result<Shut> {
        Ok(match self {
            Self::Tcp(listener) => Shut::Tcp(listener.into_std()?),
            Self::Unix(listener) => Shut::Unix(listener.into_std()?),
            Self::Shut(shut) => shut,
        })
    }
}

impl Shut {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix(listener) => Self::Unix(listener.try_clone()?),
        })
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }

    fn open(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
        })
    }

    fn accept(&self, local: Option<&Address>, tls: bool) -> io::Result<Accepted> {
        let (stream, peer) = match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                (Stream::Tcp(TcpStream::from_std(stream)?), Address::Tcp(peer))
            }
            Self::Unix(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                let peer = Address::Unix(peer.as_pathname().map(Into::into));
                (Stream::Unix(UnixStream::from_std(stream)?), peer)
            }
        };
        complete(stream, peer, local, tls)
    }
}
