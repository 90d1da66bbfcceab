//! Writing a log line to whatever the descriptor is, without ever waiting for a reader.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{SFlag, fstat};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// A write of at most this many bytes to a pipe that has room is one piece, whoever else writes there.
const PIPE_BUF: usize = 4096;

/// Writes all of `bytes`, or as much as can be written now, and never waits and never raises PIPE from a socket.
///
/// `WouldBlock` means that a reader is too slow and that the rest of the line (or all of it) was dropped. A file is
/// written as files are; a full disk is the error that the system gives.
pub fn log_write(fd: impl AsFd, bytes: &[u8]) -> io::Result<()> {
    let fd = fd.as_fd();
    match SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => all(bytes, |rest| nix::unistd::write(fd, rest)),
        SFlag::S_IFSOCK => {
            all(bytes, |rest| send(fd.as_raw_fd(), rest, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL))
        }
        // Pipes and terminals: shared with others who may rely on their blocking, so the flag cannot be changed.
        _ => all(bytes, |rest| without_waiting(fd, rest.get(..PIPE_BUF).unwrap_or(rest))),
    }
}

/// Writes all of `bytes` to a descriptor that does not wait by itself, and waits for its reader, at most for `limit`.
pub fn write_within(fd: impl AsFd, bytes: &[u8], limit: Duration) -> io::Result<()> {
    let fd = fd.as_fd();
    let begun = Instant::now();
    all(bytes, |rest| {
        loop {
            match nix::unistd::write(fd, rest) {
                Err(Errno::EAGAIN) => {}
                answer => return answer,
            }
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(Errno::EAGAIN);
            }
            // Also if the reader is gone: then the next attempt says so.
            wait_writable(fd, left).map_err(|_| Errno::EAGAIN)?;
        }
    })
}

/// Waits until something can be written, at most `limit`.
pub fn wait_writable(fd: impl AsFd, limit: Duration) -> io::Result<()> {
    let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    match poll(&mut polled, limit) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn all(bytes: &[u8], mut write: impl FnMut(&[u8]) -> nix::Result<usize>) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// One write that gives `EAGAIN` instead of waiting. The kernel offers exactly that for pipes since Linux 6.4. Where
/// it does not, we look first whether there is room, and a wait is left to the case that another process takes it
/// between the look and the write.
fn without_waiting(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    match write_nowait(fd, bytes) {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL | Errno::ESPIPE) => {}
        answer => return answer,
    }
    let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
    if poll(&mut polled, PollTimeout::ZERO)? == 0 {
        return Err(Errno::EAGAIN);
    }
    nix::unistd::write(fd, bytes)
}

fn write_nowait(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    let slice = IoSlice::new(bytes);
    // SAFETY: IoSlice is an iovec by its documentation, and the bytes outlive the call. Offset -1: no position.
    let written =
        unsafe { nix::libc::pwritev2(fd.as_raw_fd(), (&raw const slice).cast(), 1, -1, nix::libc::RWF_NOWAIT) };
    Errno::result(written).map(isize::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pipe;
    use std::fs::File;
    use std::io::{Read, Seek};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_file_gets_every_byte() {
        let mut file = tempfile::tempfile().unwrap();
        log_write(&file, &[b'x'; 100_000]).unwrap();
        log_write(&file, b"end").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), 100_003);
        assert!(text.ends_with("xend"));
    }

    #[test]
    fn a_full_pipe_is_an_error_at_once() {
        let (read, write) = pipe::blocking().unwrap();
        log_write(&write, b"first\n").unwrap();
        let error = log_write(&write, &vec![b'x'; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(log_write(&write, b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(write);
        let mut text = String::new();
        File::from(read).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("first\nxxx"));
    }

    #[test]
    fn the_older_way_does_not_wait_either() {
        let (_read, write) = pipe::blocking().unwrap();
        while write_nowait(write.as_fd(), &[0; PIPE_BUF]).is_ok() {}
        let mut polled = [PollFd::new(write.as_fd(), PollFlags::POLLOUT)];
        assert_eq!(poll(&mut polled, PollTimeout::ZERO).unwrap(), 0, "poll knows that a page does not fit");
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        // The test harness, like every Rust program, ignores PIPE from its first line.
        let (read, write) = pipe::blocking().unwrap();
        drop(read);
        assert_eq!(log_write(&write, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert_eq!(log_write(&ours, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_reader_has_its_time_and_no_more() {
        let (read, write) = pipe::nonblocking().unwrap();
        let bytes = vec![b'x'; 1 << 20];
        let refused = write_within(&write, &bytes, Duration::from_millis(20)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        let reader = std::thread::spawn(move || {
            let (mut read, mut count, mut buffer) = (File::from(read), 0, vec![0; 60_000]);
            loop {
                crate::sys::poll::wait(&[read.as_fd()], None).unwrap();
                match read.read(&mut buffer) {
                    Ok(0) => return count,
                    Ok(more) => count += more,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
        });
        write_within(&write, &bytes, Duration::from_secs(20)).unwrap();
        drop(write);
        // Behind what the first attempt has got rid of.
        assert!(reader.join().unwrap() > bytes.len());
    }

    #[test]
    fn a_full_socket_is_an_error_at_once() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let error = log_write(&ours, &vec![b'x'; 4 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(log_write(&full, b"x").unwrap_err().raw_os_error(), Some(nix::libc::ENOSPC));
    }
}
