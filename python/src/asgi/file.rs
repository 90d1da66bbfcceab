//! Files as (parts of) the body of a response. They are read when the client takes them.

use super::message;
use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::worker::SendFile;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What is read at a time.
const PIECE: u64 = 64 << 10;

/// A stretch of a file that is still to be sent.
pub(super) struct Stretch {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Stretch {
    /// All of the file that the message names.
    pub(super) fn of_path(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let path = message.get_item(intern!(message.py(), "path"))?;
        let path = path.ok_or_else(|| PyValueError::new_err("http.response.pathsend has a path"))?;
        let file = File::open(path.extract::<std::path::PathBuf>()?)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path} is no file")).into());
        }
        Ok(Self { file: Arc::new(file), at: 0, left: found.len() })
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
        Ok(Self { file: Arc::new(file), at, left })
    }

    /// For the kernel to send, where it can.
    pub(super) fn as_send_file(&self) -> SendFile {
        SendFile { file: self.file.clone(), offset: self.at, length: self.left }
    }

    pub(super) fn len(&self) -> u64 {
        self.left
    }

    /// The next piece.
    pub(super) fn read(&mut self) -> io::Result<Bytes> {
        let mut piece = vec![0; usize::try_from(self.left.min(PIECE)).unwrap_or(0)];
        let count = self.file.read_at(&mut piece, self.at)?;
        if count == 0 && !piece.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut off while it was sent"));
        }
        piece.truncate(count);
        self.at += count as u64;
        self.left -= count as u64;
        Ok(piece.into())
    }
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
