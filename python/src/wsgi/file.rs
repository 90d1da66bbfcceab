//! `wsgi.file_wrapper`: files that the server may send in its own way.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustcorn::sys::fd;
use rustcorn::worker::SendFile;
use std::fs::File;
use std::sync::Arc;

/// An iterable over a file's blocks (PEP 3333, "Optional Platform-Specific File Handling").
#[pyclass(name = "FileWrapper", module = "rustcorn")]
pub(super) struct FileWrapper {
    #[pyo3(get)]
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

impl FileWrapper {
    /// What is left of the file from its current offset on, if it is a file of the system whose bytes are those that
    /// `read` gives.
    pub(super) fn part(&self, py: Python<'_>) -> Option<SendFile> {
        let filelike = self.filelike.bind(py);
        if !is_plain(filelike).unwrap_or(false) {
            return None;
        }
        // Whatever is not as it is with files: then its blocks are read.
        let number: i32 = filelike.call_method0(intern!(py, "fileno")).ok()?.extract().ok()?;
        let file = File::from(fd::duplicate(number).ok()?);
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let offset: u64 = filelike.call_method0(intern!(py, "tell")).ok()?.extract().ok()?;
        Some(SendFile { file: Arc::new(file), offset, length: metadata.len().saturating_sub(offset) })
    }
}

/// Files that pack or unpack have a `fileno` too: that of the packed file.
fn is_plain(filelike: &Bound<'_, PyAny>) -> PyResult<bool> {
    let io = filelike.py().import(intern!(filelike.py(), "io"))?;
    let is = |object: &Bound<'_, PyAny>, class: &str| object.is_instance(&io.getattr(class)?);
    if is(filelike, "BufferedReader")? || is(filelike, "BufferedRandom")? {
        return is(&filelike.getattr(intern!(filelike.py(), "raw"))?, "FileIO");
    }
    Ok(!is(filelike, "BufferedIOBase")? && !is(filelike, "TextIOBase")?)
}
