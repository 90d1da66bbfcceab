//! Listening sockets. Which ones there shall be is the business of `listeners`.

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where a socket is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketName {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// A path; one that begins with `@` is a name without a file.
    Unix(PathBuf),
}

impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How a TCP socket is bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpOptions {
    /// How many connections may wait to be accepted.
    pub backlog: i32,
    /// Further sockets may be bound to the same address, and the kernel spreads connections over them.
    pub reuse_port: bool,
    /// Together with `reuse_port`: fail if anybody listens there already.
    pub first: bool,
    /// An IPv6 socket for all addresses leaves IPv4 to another socket, whatever the system's default is.
    pub only_v6: bool,
    /// Bound, so that the address is ours, but not listening: connections go where they went before, until somebody
    /// who holds it calls [`listen`](super::accepting::listen). Linux checks the address once more then.
    pub dormant: bool,
}

/// A listening TCP socket: close-on-exec, non-blocking, able to take over a port whose last connections still linger.
pub fn tcp_listener(address: SocketAddr, options: TcpOptions) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
    socket.set_reuse_address(true)?;
    if options.only_v6 && address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The first of several sockets is bound without the option, so that a server that is there already is not joined
    // silently; set afterwards, the option lets the others in.
    socket.set_reuse_port(options.reuse_port && !options.first)?;
    socket.bind(&address.into())?;
    socket.set_reuse_port(options.reuse_port)?;
    if !options.dormant {
        socket.listen(options.backlog)?;
    }
    Ok(socket.into())
}

/// A listening Unix socket at a path where nothing is. Its mode is what the umask leaves of 0777.
pub fn unix_listener(path: &Path, backlog: i32) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// Allows (or forbids) further sockets at the address of a TCP socket.
pub fn set_reuse_port(fd: impl AsFd, reuse: bool) -> io::Result<()> {
    SockRef::from(&fd.as_fd()).set_reuse_port(reuse)
}

/// Whether further sockets are allowed at the address of a TCP socket. False for any other socket.
#[must_use]
pub fn reuses_port(fd: impl AsFd) -> bool {
    SockRef::from(&fd.as_fd()).reuse_port().unwrap_or(false)
}

/// Has Linux look at each socket of a port again before another may join them. It remembers for a port that the last one
/// that was bound there let others join, and takes that for all of them until one is bound that does not. Here that is one
/// for a moment, at an address where none is in its way; where all are taken, it goes on as before.
pub fn forget_reuse_port(port: u16) {
    let bind = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port);
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.cloexec(), None)?;
        if ip.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())
    };
    let places = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 255, 255, 254).into()];
    let _ = places.into_iter().any(|ip| bind(ip).is_ok());
}

/// Whether an IPv6 socket leaves IPv4 alone. False for any other socket.
#[must_use]
pub fn is_only_v6(fd: impl AsFd) -> bool {
    SockRef::from(&fd.as_fd()).only_v6().unwrap_or(false)
}

/// Where a socket is bound.
pub fn local_name(fd: impl AsFd) -> io::Result<SocketName> {
    let address = SockRef::from(&fd.as_fd()).local_addr()?;
    if let Some(address) = address.as_socket() {
        Ok(SocketName::Tcp(address))
    } else if let Some(path) = address.as_pathname() {
        Ok(SocketName::Unix(path.to_owned()))
    } else if let Some(name) = address.as_abstract_namespace() {
        Ok(SocketName::Unix(format!("@{}", String::from_utf8_lossy(name)).into()))
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "neither an IP nor a Unix socket"))
    }
}

/// Whether a server answers at this path. If it cannot be told, the answer is yes: nobody's socket is to be taken away.
#[must_use]
pub fn someone_listens(path: &Path) -> bool {
    let connect = || {
        // Non-blocking: a server whose queue is full must not hold us up, and is one all the same.
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    match connect() {
        Ok(()) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::accepting::accepts_connections;
    use std::net::{Ipv4Addr, TcpStream};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    const ONE: TcpOptions = TcpOptions { backlog: 512, reuse_port: false, first: true, only_v6: false, dormant: false };
    const FIRST: TcpOptions = TcpOptions { reuse_port: true, ..ONE };
    const FURTHER: TcpOptions = TcpOptions { first: false, ..FIRST };

    fn anywhere() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    fn address_of(fd: &OwnedFd) -> SocketAddr {
        match local_name(fd).unwrap() {
            SocketName::Tcp(address) => address,
            SocketName::Unix(path) => panic!("{path:?}"),
        }
    }

    #[test]
    fn a_tcp_listener_listens() {
        let listener = tcp_listener(anywhere(), ONE).unwrap();
        assert!(accepts_connections(&listener));
        let address = address_of(&listener);
        assert_ne!(address.port(), 0);
        TcpStream::connect(address).unwrap();
        let accepted = std::net::TcpListener::from(listener).accept();
        assert!(accepted.is_ok());
    }

    #[test]
    fn accept_does_not_wait() {
        let listener = std::net::TcpListener::from(tcp_listener(anywhere(), ONE).unwrap());
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn lanes_share_an_address_but_a_stranger_is_refused() {
        let first = tcp_listener(anywhere(), FIRST).unwrap();
        let address = address_of(&first);
        let second = tcp_listener(address, FURTHER).unwrap();
        let third = tcp_listener(address, FURTHER).unwrap();
        for stranger in [ONE, FIRST] {
            assert_eq!(tcp_listener(address, stranger).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        // The kernel spreads connections over all three.
        let clients: Vec<_> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
        let queued = [first, second, third].map(|lane| {
            let lane = std::net::TcpListener::from(lane);
            std::iter::from_fn(|| lane.accept().ok()).count()
        });
        assert_eq!(queued.iter().sum::<usize>(), clients.len(), "{queued:?}");
        assert!(queued.iter().all(|count| *count > 0), "{queued:?}");
    }

    #[test]
    fn a_lone_socket_can_become_the_first_lane() {
        let first = tcp_listener(anywhere(), ONE).unwrap();
        let address = address_of(&first);
        assert!(tcp_listener(address, FURTHER).is_err());
        set_reuse_port(&first, true).unwrap();
        let second = tcp_listener(address, FURTHER).unwrap();
        assert!(accepts_connections(second));
    }

    #[test]
    fn other_descriptors_accept_nothing() {
        let file = tempfile::tempfile().unwrap();
        let (stream, _) = UnixStream::pair().unwrap();
        assert!(!accepts_connections(&file));
        assert!(!accepts_connections(&stream));
        assert!(!accepts_connections(UnixDatagram::unbound().unwrap()));
        assert!(local_name(&file).is_err());
    }

    #[test]
    fn a_unix_listener_is_noticed_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sock");
        assert!(!someone_listens(&path), "nothing there");
        let listener = unix_listener(&path, 1).unwrap();
        assert!(accepts_connections(&listener));
        assert_eq!(local_name(&listener).unwrap(), SocketName::Unix(path.clone()));
        assert_eq!(unix_listener(&path, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        for _ in 0..8 {
            assert!(someone_listens(&path), "also with a full queue");
        }
        drop(listener);
        assert!(!someone_listens(&path), "stale");
    }

    #[test]
    fn a_datagram_server_is_somebody_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sock");
        let _server = UnixDatagram::bind(&path).unwrap();
        assert!(someone_listens(&path));
    }

    #[test]
    fn names_are_told() {
        assert_eq!(SocketName::Unix("/run/x.sock".into()).to_string(), "unix:/run/x.sock");
        use std::os::linux::net::SocketAddrExt;
        let name = std::os::unix::net::SocketAddr::from_abstract_name(format!("rc-test-{}", std::process::id()));
        let listener = UnixListener::bind_addr(&name.unwrap()).unwrap();
        let told = local_name(&listener).unwrap().to_string();
        assert!(told.starts_with("unix:@rc-test-"), "{told}");
    }
}
