//! Files as (parts of) the body of a response. They are read when the client takes them, by threads that may wait for a
//! disk.

use super::message;
use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::worker::SendFile;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// What is read at a time.
const PIECE: u64 = 64 << 10;

/// A stretch of a file that is still to be sent.
pub(super) struct Stretch {
    file: Arc<File>,
    at: u64,
    left: u64,
    /// The next piece.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stretch {
    /// All of the file that the message names.
    pub(super) fn of_path(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let path = message.get_item(intern!(message.py(), "path"))?;
        let path = path.ok_or_else(|| PyValueError::new_err("http.response.pathsend has a path"))?;
        // A pipe is opened without waiting for its writer, and refused.
        let nonblocking = nix::libc::O_NONBLOCK;
        let file = File::options().read(true).custom_flags(nonblocking).open(path.extract::<PathBuf>()?)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path} is no file")).into());
        }
        Ok(Self { file: Arc::new(file), at: 0, left: found.len(), reading: None })
    }

    /// What the message says of an open file, which stays the application's.
    pub(super) fn of_file(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = message.py();
        let given = message::field(message, intern!(py, "file"))?;
        let given = given.ok_or_else(|| PyValueError::new_err("http.response.zerocopysend has a file"))?;
        let file = own(given.call_method0(intern!(py, "fileno"))?.extract()?)?;
        let at = match message::field(message, intern!(py, "offset"))? {
            Some(offset) => offset.extract()?,
            None => given.call_method0(intern!(py, "tell"))?.extract()?,
        };
        let rest = file.metadata()?.len().saturating_sub(at);
        let left = match message::field(message, intern!(py, "count"))? {
            Some(count) => count.extract::<u64>()?.min(rest),
            None => rest,
        };
        Ok(Self { file: Arc::new(file), at, left, reading: None })
    }

    /// For the kernel to send, where it can.
    pub(super) fn as_send_file(&self) -> SendFile {
        SendFile { file: self.file.clone(), offset: self.at, length: self.left }
    }

    pub(super) fn len(&self) -> u64 {
        self.left
    }

    /// The next piece. Inside of tokio's loop.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
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

/// A descriptor of our own for an open file.
#[allow(unsafe_code)]
fn own(fd: RawFd) -> PyResult<File> {
    if fd < 0 {
        return Err(PyValueError::new_err("the file is closed"));
    }
    // SAFETY: not -1, and used for one call that fails if it is closed.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(borrowed.try_clone_to_owned()?.into())
}
