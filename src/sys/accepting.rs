//! Sockets that accept, and what the kernel knows of their connections.

use nix::errno::Errno;
use socket2::{SockRef, Type};
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};

/// Has a bound socket listen, or changes how many connections may wait on one that does already.
pub fn listen(fd: impl AsFd, backlog: i32) -> io::Result<()> {
    SockRef::from(&fd.as_fd()).listen(backlog)
}

/// Has a socket listen no more, in whichever processes it is open. Who waits in it is sent away; it stays bound.
pub fn stop_listening(fd: impl AsFd) -> io::Result<()> {
    SockRef::from(&fd.as_fd()).shutdown(Shutdown::Read)
}

/// Whether an error of accept says that the socket does not listen (any more).
#[must_use]
pub fn has_stopped_listening(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINVAL as i32)
}

/// Whether this is a stream socket that listens. False for whatever else a descriptor may be.
#[must_use]
pub fn accepts_connections(fd: impl AsFd) -> bool {
    let fd = fd.as_fd();
    let socket = SockRef::from(&fd);
    socket.r#type().is_ok_and(|kind| kind == Type::STREAM) && socket.is_listener().unwrap_or(false)
}

/// Whether an error of accept concerns one connection that is gone already, and nothing else: what was pending on it
/// when it was taken out of the queue. The list is that of accept(2).
#[must_use]
pub fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(
            Errno::ECONNABORTED
                | Errno::ECONNRESET
                | Errno::EINTR
                | Errno::EHOSTDOWN
                | Errno::EHOSTUNREACH
                | Errno::ENETDOWN
                | Errno::ENETUNREACH
                | Errno::ENONET
                | Errno::ENOPROTOOPT
                | Errno::EOPNOTSUPP
                | Errno::EPERM
                | Errno::EPROTO
        )
    )
}

/// Sends small writes at once, on a TCP connection, or on each connection that a listening socket will ever give:
/// Linux passes the option on, which saves a system call per connection. (A kernel that does not would need the call
/// on each accepted socket.)
pub fn set_nodelay(fd: impl AsFd) -> io::Result<()> {
    SockRef::from(&fd.as_fd()).set_tcp_nodelay(true)
}

/// How many bytes of what was written to a socket its client's kernel has not taken yet; zero if the system cannot say.
/// A write that waits says less: the socket is not writable again before a good part of its buffer is free, which can
/// take a steady but slow client longer than anybody is willing to wait for a sign of life.
#[must_use]
pub fn unsent_bytes(fd: impl AsFd) -> usize {
    let mut count: nix::libc::c_int = 0;
    // SAFETY: the request writes one int, to a place of ours.
    let answer = unsafe { nix::libc::ioctl(fd.as_fd().as_raw_fd(), nix::libc::TIOCOUTQ, &raw mut count) };
    if answer == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn connections_inherit_the_option_from_their_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        set_nodelay(&listener).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }

    #[test]
    fn errors_of_the_process_are_not_those_of_a_connection() {
        let concerns = |errno: Errno| concerns_one_connection(&io::Error::from_raw_os_error(errno as i32));
        assert!(concerns(Errno::ECONNABORTED) && concerns(Errno::EPROTO) && concerns(Errno::EHOSTUNREACH));
        assert!(!concerns(Errno::EMFILE) && !concerns(Errno::ENOMEM) && !concerns(Errno::EAGAIN));
        assert!(!concerns(Errno::EBADF));
    }

    #[test]
    fn what_nobody_reads_is_unsent() {
        use std::io::Write;
        let (mut one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(unsent_bytes(&one), 0);
        one.write_all(&[0; 10_000]).unwrap();
        assert!(unsent_bytes(&one) >= 10_000);
        drop(other);
        let (pipe, _write) = crate::sys::pipe::blocking().unwrap();
        assert_eq!(unsent_bytes(&pipe), 0);
    }
}
