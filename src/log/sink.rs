//! Where the lines of a logger go. Owns the descriptor and the count of lines that were lost.
//!
//! A line is handed to the kernel in one piece, and nobody waits for a reader or a terminal. The counterpart that
//! makes lines is `format`; the one that knows how not to block is `sys::write`.

use crate::sys::write::log_write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines were lost: since the last one that got through, and in all.
#[derive(Debug)]
pub(super) struct Losses {
    untold: AtomicU64,
    total: AtomicU64,
}

impl Losses {
    pub(super) const fn new() -> Self {
        Self { untold: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn add(&self, untold: u64) {
        self.untold.fetch_add(untold + 1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }
}

impl Losses {
    /// For a log that takes messages: sends `message`, and before it, if some were lost, the `notice` of their number.
    pub(super) fn tell_after(
        &self,
        message: impl FnOnce() -> std::io::Result<()>,
        notice: impl FnOnce(u64) -> std::io::Result<()>,
    ) {
        let untold = self.untold.swap(0, Ordering::Relaxed);
        let noticed = if untold == 0 { Ok(()) } else { notice(untold) };
        if noticed.and_then(|()| message()).is_err() {
            self.add(untold);
        }
    }
}

/// Writes `line`; if lines were lost before, the words of `notice` (given their number) go first, in the same write.
/// A line that cannot be written now is counted and forgotten.
pub(super) fn deliver(fd: impl AsFd, losses: &Losses, line: &str, notice: impl Fn(u64) -> String) {
    let untold = losses.untold.swap(0, Ordering::Relaxed);
    let written = match untold {
        0 => log_write(fd, line.as_bytes()),
        // The line feed ends what may be there of a line that was cut in its middle.
        lost => log_write(fd, format!("\n{}{line}", notice(lost)).as_bytes()),
    };
    if written.is_err() {
        losses.add(untold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    fn notice(lost: u64) -> String {
        format!("{lost} lost\n")
    }

    #[test]
    fn lines_that_found_no_room_are_counted_and_told_with_the_next_that_does() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let losses = Losses::new();
        let line = "x".repeat(1023) + "\n";
        while losses.total() == 0 {
            deliver(&writer, &losses, &line, notice);
        }
        deliver(&writer, &losses, &line, notice);
        assert_eq!(losses.total(), 2);

        reader.set_nonblocking(true).unwrap();
        let mut queued = Vec::new();
        reader.read_to_end(&mut queued).unwrap_err();
        deliver(&writer, &losses, "room again\n", notice);
        deliver(&writer, &losses, "and again\n", notice);
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "\n2 lost\nroom again\nand again\n");
        assert_eq!(losses.total(), 2);
    }

    #[test]
    fn a_full_disk_only_counts() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let losses = Losses::new();
        for _ in 0..3 {
            deliver(&full, &losses, "line\n", notice);
        }
        assert_eq!(losses.total(), 3);
    }
}
