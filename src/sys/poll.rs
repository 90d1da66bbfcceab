//! Waiting for descriptors.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Waits until one of `fds` is readable, hung up or broken, or until `timeout` has passed (none: for ever), and says
/// which. A signal ends the wait too: then nothing is marked, and the caller looks around and waits again.
pub fn wait(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    // The kernel's nanoseconds: a deadline is neither missed by a rounded millisecond nor approached in a busy loop.
    match ppoll(&mut polled, timeout.map(TimeSpec::from_duration), None) {
        Ok(0) | Err(Errno::EINTR) => Ok(vec![false; fds.len()]),
        Ok(_) => Ok(polled.iter().map(|fd| fd.revents().is_none_or(|events| !events.is_empty())).collect()),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether `fd` is hung up or broken: a socket that its peer has only shut for sending is neither.
#[must_use]
pub fn is_hung_up(fd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::empty())];
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    matches!(ppoll(&mut polled, Some(TimeSpec::from_duration(Duration::ZERO)), None), Ok(1..))
        && polled[0].revents().is_none_or(|events| events.intersects(gone))
}

#[cfg(test)]
mod tests {
    use super::{is_hung_up, wait};
    use crate::sys::pipe;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::time::{Duration, Instant};

    #[test]
    fn nothing_happens_until_the_timeout() {
        let (read, _write) = pipe::blocking().unwrap();
        let begun = Instant::now();
        let ready = wait(&[read.as_fd()], Some(Duration::from_millis(20))).unwrap();
        assert_eq!(ready, [false]);
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_byte_and_a_hang_up_are_both_news() {
        let (quiet, _kept) = pipe::blocking().unwrap();
        let (with_byte, write) = pipe::blocking().unwrap();
        let (hung_up, closed) = pipe::blocking().unwrap();
        let mut write = std::fs::File::from(write);
        write.write_all(b"x").unwrap();
        drop(closed);
        let ready = wait(&[quiet.as_fd(), with_byte.as_fd(), hung_up.as_fd()], None).unwrap();
        assert_eq!(ready, [false, true, true]);
    }

    #[test]
    fn half_a_close_is_no_hang_up() {
        use std::net::Shutdown;
        use std::os::unix::net::UnixStream;
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert!(!is_hung_up(ours.as_fd()));
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(!is_hung_up(ours.as_fd()));
        drop(theirs);
        assert!(is_hung_up(ours.as_fd()));
    }

    #[test]
    fn an_empty_list_is_a_sleep() {
        assert!(wait(&[], Some(Duration::from_millis(1))).unwrap().is_empty());
    }
}
