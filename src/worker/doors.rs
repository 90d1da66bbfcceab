//! The inherited listening sockets, of which some are open to us at the moment: shared ones always, `SO_REUSEPORT`
//! lanes when they are ours or orphaned.

use super::connection::Address;
use super::io::Stream;
use crate::abi::{KIND_UNIX, SHARED_LANE, SeatListener};
use crate::sys::fd;
use std::io;
use std::net::TcpListener as StdTcp;
use std::os::unix::net::UnixListener as StdUnix;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: Stream,
    pub(super) peer: Address,
    pub(super) local: Address,
}

/// All listening sockets of this worker.
pub(super) struct Doors {
    doors: Vec<Door>,
    /// Where the next look begins, so that no socket starves another.
    next: usize,
}

struct Door {
    lane: u32,
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
pub(super) enum Shut {
    Tcp(StdTcp),
    Unix(StdUnix),
}

impl Doors {
    /// Takes the sockets over. None is open yet.
    pub(super) fn inherit(listeners: &[SeatListener]) -> io::Result<Self> {
        let doors = listeners.iter().map(Door::inherit).collect::<io::Result<_>>()?;
        Ok(Self { doors, next: 0 })
    }

    /// No socket at all.
    pub(super) fn none() -> Self {
        Self { doors: Vec::new(), next: 0 }
    }

    /// The lanes that there are, without the shared one.
    pub(super) fn lanes(&self) -> Vec<u32> {
        self.doors.iter().map(|door| door.lane).filter(|lane| *lane != SHARED_LANE).collect()
    }

    /// Opens the shared sockets and those of `lanes`, and shuts the others.
    pub(super) fn open(&mut self, lanes: &[u32]) -> io::Result<()> {
        let doors = std::mem::take(&mut self.doors);
        for mut door in doors {
            let wanted = door.lane == SHARED_LANE || lanes.contains(&door.lane);
            door.listener = match (door.listener, wanted) {
                (Listener::Shut(shut), true) => shut.open()?,
                (listener @ Listener::Shut(_), false) => listener,
                (listener, true) => listener,
                (listener, false) => Listener::Shut(listener.shut()?),
            };
            self.doors.push(door);
        }
        Ok(())
    }

    /// Accepts from whichever open socket has a connection.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let count = self.doors.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            if let Poll::Ready(answer) = self.doors[at].poll_accept(cx) {
                self.next = (at + 1) % count;
                return Poll::Ready(answer);
            }
        }
        Poll::Pending
    }

    /// Accepts what waits at this moment in the sockets that are open to us, at most `most`, and closes all of them.
    /// Asks the kernel and not the event loop, which may not have heard of the newest.
    pub(super) fn empty_and_close(self, most: usize) -> (Vec<Accepted>, Option<io::Error>) {
        let mut taken = Vec::new();
        let mut trouble = None;
        for door in self.doors {
            let Ok(shut) = (match door.listener {
                Listener::Shut(_) => continue,
                open => open.shut(),
            }) else {
                continue;
            };
            while taken.len() < most {
                match shut.accept(door.local.as_ref()) {
                    Ok(accepted) => taken.push(accepted),
                    Err(error) if is_passing(&error) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        trouble = Some(error);
                        break;
                    }
                }
            }
        }
        (taken, trouble)
    }
}

/// Whether an error of accept concerns a connection that is gone already, and nothing else.
pub(super) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

impl Door {
    fn inherit(listener: &SeatListener) -> io::Result<Self> {
        let fd = fd::adopt(listener.fd)?;
        fd::set_nonblocking(&fd)?;
        let (shut, local) = if listener.kind == KIND_UNIX {
            let listener = StdUnix::from(fd);
            let path = listener.local_addr()?.as_pathname().map(Into::into);
            (Shut::Unix(listener), Some(Address::Unix(path)))
        } else {
            let listener = StdTcp::from(fd);
            let address = listener.local_addr()?;
            let local = (!address.ip().is_unspecified()).then_some(Address::Tcp(address));
            (Shut::Tcp(listener), local)
        };
        Ok(Self { lane: listener.lane, local, listener: Listener::Shut(shut) })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let answer = match &self.listener {
            Listener::Tcp(listener) => {
                listener.poll_accept(cx).map_ok(|(stream, peer)| (Stream::Tcp(stream), Address::Tcp(peer)))
            }
            Listener::Unix(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, peer)| (Stream::Unix(stream), Address::Unix(peer.as_pathname().map(Into::into)))),
            Listener::Shut(_) => Poll::Pending,
        };
        answer.map(|answer| answer.and_then(|(stream, peer)| complete(stream, peer, self.local.as_ref())))
    }
}

fn complete(stream: Stream, peer: Address, local: Option<&Address>) -> io::Result<Accepted> {
    if let Stream::Tcp(stream) = &stream {
        stream.set_nodelay(true)?;
    }
    let local = match local {
        Some(local) => local.clone(),
        None => stream.local()?,
    };
    Ok(Accepted { stream, peer, local })
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
    fn open(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
        })
    }

    fn accept(&self, local: Option<&Address>) -> io::Result<Accepted> {
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
        complete(stream, peer, local)
    }
}
