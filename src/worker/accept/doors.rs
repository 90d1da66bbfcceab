//! The inherited listening sockets, of which some are open to us at the moment: shared ones always, `SO_REUSEPORT`
//! lanes when they are ours or orphaned.

use crate::abi::{KIND_UNIX, SHARED_LANE, SeatListener};
use crate::sys::{accepting, fd, poll};
use crate::worker::connection::Address;
use crate::worker::wire::Stream;
use std::io;
use std::net::TcpListener as StdTcp;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener as StdUnix;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A connection that was accepted.
pub(in crate::worker) struct Accepted {
    pub(in crate::worker) stream: Stream,
    pub(in crate::worker) peer: Address,
    pub(in crate::worker) local: Address,
    /// TLS is spoken there.
    pub(in crate::worker) tls: bool,
}

/// All listening sockets of this worker.
pub(in crate::worker) struct Doors {
    doors: Vec<Door>,
    /// Where the next look begins, so that no socket starves another.
    next: usize,
}

struct Door {
    lane: u32,
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
pub(in crate::worker) enum Shut {
    Tcp(StdTcp),
    Unix(StdUnix),
}

impl Doors {
    /// Takes the sockets over. None is open yet.
    pub(in crate::worker) fn inherit(listeners: &[SeatListener]) -> io::Result<Self> {
        let doors = listeners.iter().map(Door::inherit).collect::<io::Result<_>>()?;
        Ok(Self { doors, next: 0 })
    }

    /// The lanes that there are, without the shared one.
    pub(in crate::worker) fn lanes(&self) -> Vec<u32> {
        self.doors.iter().map(|door| door.lane).filter(|lane| *lane != SHARED_LANE).collect()
    }

    /// Opens the shared sockets and those of `lanes`, and shuts the others. A socket that refuses stays as it was, and
    /// keeps no other from its place.
    pub(in crate::worker) fn open(&mut self, lanes: &[u32]) -> io::Result<()> {
        self.turn_all(|door| {
            let wanted = door.lane == SHARED_LANE || lanes.contains(&door.lane);
            if wanted { door.opened() } else { door.shut() }
        })
    }

    /// Accepts from whichever open socket has a connection.
    pub(in crate::worker) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
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

    /// Replaces each door by what `how` makes of it; the newest trouble is the result.
    fn turn_all(&mut self, how: impl Fn(Door) -> (Option<Door>, Option<io::Error>)) -> io::Result<()> {
        let mut result = Ok(());
        for door in std::mem::take(&mut self.doors) {
            let (door, trouble) = how(door);
            self.doors.extend(door);
            if let Some(error) = trouble {
                result = Err(error);
            }
        }
        result
    }

    /// Takes all sockets out of the event loop, for good: from now on there is [`Self::take`].
    pub(in crate::worker) fn shut(&mut self) -> io::Result<()> {
        self.turn_all(Door::shut)
    }

    /// Takes what waits in shut sockets, whosever lane it is: none may be looked after by anybody else. Asks the kernel
    /// and not the event loop, which may not have heard of the newest. `WouldBlock`: there is nobody.
    pub(in crate::worker) fn take(&mut self) -> io::Result<Accepted> {
        let count = self.doors.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let door = &self.doors[at];
            let Listener::Shut(shut) = &door.listener else { continue };
            match shut.accept(door.local.as_ref(), door.tls) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                answer => {
                    self.next = at;
                    return answer;
                }
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether somebody waits in a shut socket.
    pub(in crate::worker) fn somebody_waits(&self) -> bool {
        let fds: Vec<BorrowedFd<'_>> = self
            .doors
            .iter()
            .filter_map(|door| match &door.listener {
                Listener::Shut(shut) => Some(shut.as_fd()),
                Listener::Tcp(_) | Listener::Unix(_) => None,
            })
            .collect();
        poll::wait(&fds, Some(Duration::ZERO)).is_ok_and(|readable| readable.contains(&true))
    }
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
            accepting::set_nodelay(&fd)?;
            let listener = StdTcp::from(fd);
            let address = listener.local_addr()?;
            let local = (!address.ip().is_unspecified()).then_some(Address::Tcp(address));
            (Shut::Tcp(listener), local)
        };
        Ok(Self { lane: listener.lane, tls: listener.tls != 0, local, listener: Listener::Shut(shut) })
    }

    /// Enters the event loop. If that fails, the socket stays outside.
    fn opened(self) -> (Option<Self>, Option<io::Error>) {
        let Self { lane, tls, local, listener } = self;
        let (listener, trouble) = match listener {
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
        (Some(Self { lane, tls, local, listener }), trouble)
    }

    /// Leaves the event loop. A socket that cannot is lost: the kernel has forgotten it already.
    fn shut(self) -> (Option<Self>, Option<io::Error>) {
        let Self { lane, tls, local, listener } = self;
        match listener.shut() {
            Ok(shut) => (Some(Self { lane, tls, local, listener: Listener::Shut(shut) }), None),
            Err(error) => (None, Some(error)),
        }
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
