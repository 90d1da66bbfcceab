//! Files as (parts of) the body of a response, as messages name them.

use super::message;
use crate::stretch::Stretch;
use nix::errno::Errno;
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

impl Stretch {
    /// All of the file that the message names.
    pub(super) fn of_path(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let path = message.get_item(intern!(message.py(), "path"))?;
        let path = path.ok_or_else(|| PyValueError::new_err("http.response.pathsend has a path"))?;
        // A pipe is opened without waiting for its writer, and refused.
        let nonblocking = nix::libc::O_NONBLOCK;
        let opened = File::options().read(true).custom_flags(nonblocking).open(path.extract::<PathBuf>()?);
        let file = opened.map_err(|error| unopened(&error, &path))?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path} is no file")).into());
        }
        Ok(Self::new(Arc::new(file), 0, found.len()))
    }

    /// What the message says of an open file or a descriptor, which stays the application's.
    pub(super) fn of_file(message: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = message.py();
        let given = message::field(message, intern!(py, "file"))?;
        let given = given.ok_or_else(|| PyValueError::new_err("http.response.zerocopysend has a file"))?;
        let number = given.extract::<c_int>().ok();
        let mut file = match (number, given.getattr_opt(intern!(py, "fileno"))?) {
            (Some(number), _) => own(number)?,
            (None, Some(fileno)) => own(fileno.call0()?.extract()?)?,
            (None, None) => {
                let what = given.get_type().name()?;
                let why = format!("the file of http.response.zerocopysend is open, or a descriptor, not {what}");
                return Err(PyTypeError::new_err(why));
            }
        };
        let at = match message::field(message, intern!(py, "offset"))? {
            Some(offset) => offset.extract()?,
            None if number.is_some() => file.stream_position()?,
            None => given.call_method0(intern!(py, "tell"))?.extract()?,
        };
        let rest = file.metadata()?.len().saturating_sub(at);
        let left = match message::field(message, intern!(py, "count"))? {
            Some(count) => count.extract::<u64>()?.min(rest),
            None => rest,
        };
        Ok(Self::new(Arc::new(file), at, left))
    }
}

/// As `open` raises it, with the file's name.
fn unopened(error: &io::Error, path: &Bound<'_, PyAny>) -> PyErr {
    let number = error.raw_os_error().unwrap_or_default();
    PyOSError::new_err((number, Errno::from_raw(number).desc(), path.clone().unbind()))
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
