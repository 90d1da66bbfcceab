//! `wsgi.file_wrapper`: files that the server may send in its own way.

use bytes::Bytes;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustcorn::BoxError;
use std::fs::File;
use std::io::Read;

/// What is read of a file at a time.
const PIECE: usize = 64 << 10;

/// An iterable over a file's blocks (PEP 3333, "Optional Platform-Specific File Handling").
#[pyclass(name = "FileWrapper", module = "rustcorn")]
pub(super) struct FileWrapper {
    filelike: Py<PyAny>,
    block_size: usize,
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, block_size = 8192, /))]
    fn new(filelike: Py<PyAny>, block_size: usize) -> Self {
        Self { filelike, block_size }
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.filelike.bind(py).call_method1(intern!(py, "read"), (self.block_size,))?;
        let is_end = block.cast::<PyBytes>().is_ok_and(|block| block.as_bytes().is_empty());
        Ok(Some(block).filter(|_| !is_end))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.filelike.bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }
}

/// A file as the body of a response.
pub struct FileBody {
    file: File,
    left: u64,
}

impl FileBody {
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.left == 0 {
            return None;
        }
        let length = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; length];
        match self.file.read(&mut piece) {
            Ok(0) => {
                self.left = 0;
                Some(Err("the file has become shorter while it was sent".into()))
            }
            Ok(count) => {
                self.left -= count as u64;
                piece.truncate(count);
                Some(Ok(piece.into()))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}
