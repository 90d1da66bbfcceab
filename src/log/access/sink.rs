//! Where batches of lines go: a file, a pipe or a terminal, and syslog. Used by the writer thread, which may wait.

use crate::abi::SyslogOrders;
use crate::log::syslog::{INFORMATIONAL, Syslog};
use crate::sys::write::wait_writable;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A write of at most this many bytes to a pipe is one piece, whichever other worker writes there.
const PIPE_BUF: usize = 4096;
/// How long a syslog daemon that does not keep up is waited for, once in a batch.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a pipe that was made non-blocking by somebody is waited for before it is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A file or whatever else was given as one.
pub(super) struct Output {
    file: File,
    /// A file takes a batch in one piece; pipes, terminals and sockets take little ones.
    pieces: bool,
    /// The last write ended within a line.
    cut: bool,
}

impl Output {
    pub(super) fn new(fd: OwnedFd) -> Self {
        let file = File::from(fd);
        let pieces = !file.metadata().is_ok_and(|about| about.is_file());
        Self { file, pieces, cut: false }
    }

    /// Writes whole lines, each write of whole lines too. An error says how many were lost.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<(), (u64, io::Error)> {
        let mut rest = lines;
        if self.cut {
            // Ends what is there of a line whose other half found no room.
            self.put(b"\n").map_err(|(_, error)| (count(rest), error))?;
            self.cut = false;
        }
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(if self.pieces { piece(rest) } else { rest.len() });
            if let Err((written, error)) = self.put(piece) {
                let (done, lost) = rest.split_at(written);
                self.cut = done.last().is_some_and(|last| *last != b'\n');
                return Err((count(lost), error));
            }
            rest = behind;
        }
        Ok(())
    }

    /// Writes everything; an error says how much it had written by then.
    fn put(&self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match (&self.file).write(rest) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_writable(&self.file, LOOK_AGAIN).map_err(|error| (written, error))?;
                }
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }
}

/// How many bytes of whole lines fit in one write to a pipe; a line that is longer goes alone.
fn piece(lines: &[u8]) -> usize {
    let window = &lines[..lines.len().min(PIPE_BUF)];
    let end = memchr::memrchr(b'\n', window).or_else(|| memchr::memchr(b'\n', lines));
    end.map_or(lines.len(), |end| end + 1)
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

/// Sends each line to syslog. The first that cannot be sent takes the rest of its batch with it: a daemon that is gone
/// or does not keep up is waited for once, not once a line.
pub(super) fn send(orders: &SyslogOrders, pid: u32, lines: &[u8]) -> Result<(), (u64, io::Error)> {
    let mut syslog = Syslog::open(orders, Some(PATIENCE)).map_err(|error| (count(lines), error))?;
    let mut rest = lines;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        syslog.send(INFORMATIONAL, pid, &rest[..end]).map_err(|error| (count(rest), error))?;
        rest = &rest[end + 1..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::SyslogTarget;
    use std::io::Read;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn a_pipe_gets_whole_lines_in_every_write() {
        let lines = b"a\nbb\n";
        assert_eq!(piece(lines), 5);
        let long = [vec![b'x'; PIPE_BUF - 3], b"\nyy\nz\n".to_vec()].concat();
        assert_eq!(piece(&long), PIPE_BUF - 2, "the next line would end beyond a pipe's piece");
        let longer = [vec![b'x'; 2 * PIPE_BUF], b"\nyy\n".to_vec()].concat();
        assert_eq!(piece(&longer), 2 * PIPE_BUF + 1, "a long line goes whole, and alone");
        let (mut reader, writer) = io::pipe().unwrap();
        let text = longer.clone();
        let heard = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        Output::new(writer.into()).write(&text).unwrap();
        assert_eq!(heard.join().unwrap().unwrap(), longer);
    }

    #[test]
    fn a_full_disk_and_a_closed_pipe_lose_lines_and_count_them() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (lost, error) = Output::new(full.into()).write(b"a\nb\nc\n").unwrap_err();
        assert_eq!((lost, error.kind()), (3, io::ErrorKind::StorageFull));
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (lost, error) = Output::new(writer.into()).write(b"a\nb\n").unwrap_err();
        assert_eq!((lost, error.kind()), (2, io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn a_line_that_was_cut_is_ended_before_the_next() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.log");
        std::fs::write(&path, "half a li").unwrap();
        let mut output = Output::new(File::options().append(true).open(&path).unwrap().into());
        output.cut = true;
        output.write(b"whole\n").unwrap();
        output.write(b"again\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "half a li\nwhole\nagain\n");
    }

    #[test]
    fn syslog_gets_a_message_for_each_line_and_counts_what_it_does_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        let orders = SyslogOrders { target: SyslogTarget::Unix(path.clone()), facility: 1, tag: "t".into() };
        assert_eq!(send(&orders, 7, b"a\nb\n").unwrap_err().0, 2);
        let server = UnixDatagram::bind(&path).unwrap();
        send(&orders, 7, b"a\nb\n").unwrap();
        let mut buffer = [0; 64];
        for wanted in ["<14>t: [7] a", "<14>t: [7] b"] {
            let count = server.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..count], wanted.as_bytes());
        }
    }
}
