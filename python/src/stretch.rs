//! A stretch of a file as (part of) the body of a response. It is read when the client takes it, by threads that may wait
//! for a disk: never by the event loop.

use bytes::Bytes;
use rustcorn::worker::SendFile;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// What is read at a time.
const PIECE: u64 = 64 << 10;

/// A stretch of a file that is still to be sent.
pub struct Stretch {
    file: Arc<File>,
    at: u64,
    left: u64,
    /// The next piece.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stretch {
    pub(crate) fn new(file: Arc<File>, at: u64, left: u64) -> Self {
        Self { file, at, left, reading: None }
    }

    /// For the kernel to send, where it can.
    pub(crate) fn as_send_file(&self) -> SendFile {
        SendFile { file: self.file.clone(), offset: self.at, length: self.left }
    }

    pub(crate) fn len(&self) -> u64 {
        self.left
    }

    /// The next piece. Inside of tokio's loop.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let reading = self.reading.get_or_insert_with(|| {
            let (file, at, most) = (self.file.clone(), self.at, self.left.min(PIECE));
            tokio::task::spawn_blocking(move || read(&file, at, most))
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let piece = read.unwrap_or_else(|error| Err(io::Error::other(error)))?;
        self.at += piece.len() as u64;
        self.left -= piece.len() as u64;
        Poll::Ready(Ok(piece))
    }
}

fn read(file: &File, at: u64, most: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(most).unwrap_or(0)];
    let count = file.read_at(&mut piece, at)?;
    if count == 0 && !piece.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut off while it was sent"));
    }
    piece.truncate(count);
    Ok(piece.into())
}
