//! Pipes. Both ends disappear on exec; a forked child has them until it closes them.

use nix::fcntl::OFlag;
use std::io;
use std::os::fd::OwnedFd;

/// A pipe as (read end, write end) whose ends say `WouldBlock` instead of waiting.
pub fn nonblocking() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?)
}

/// A pipe as (read end, write end) whose ends wait.
pub fn blocking() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use std::io::{Read, Write};

    #[test]
    fn bytes_go_through_and_nothing_is_inherited() {
        let (read, write) = blocking().unwrap();
        for end in [&read, &write] {
            assert_eq!(fcntl(end, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
        }
        std::fs::File::from(write).write_all(b"hello").unwrap();
        let mut text = String::new();
        std::fs::File::from(read).read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn the_nonblocking_kind_does_not_wait() {
        let (read, _write) = nonblocking().unwrap();
        let error = std::fs::File::from(read).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
