//! The messages between server and application.

use bytes::Bytes;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyString};

/// Bodies from this size on are not copied: Python's object lives until they are sent.
const LARGE: usize = 16 << 10;

pub(super) fn request<'py>(py: Python<'py>, body: &[u8], more: bool) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
    message.set_item(intern!(py, "body"), PyBytes::new(py, body))?;
    message.set_item(intern!(py, "more_body"), more)?;
    Ok(message)
}

pub(super) fn disconnect(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
    Ok(message)
}

/// What a message of the application's is.
pub(super) fn kind<'py>(message: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyString>> {
    let py = message.py();
    let kind = message.get_item(intern!(py, "type"))?.ok_or_else(|| PyKeyError::new_err("a message has a type"))?;
    Ok(kind.cast_into::<PyString>()?)
}

/// A field that may be missing, or none, which is the same.
pub(super) fn field<'py>(
    message: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(message.get_item(name)?.filter(|value| !value.is_none()))
}

/// A field that is true or false; without it, it is false.
pub(super) fn flag(message: &Bound<'_, PyDict>, name: &Bound<'_, PyString>) -> PyResult<bool> {
    message.get_item(name)?.map_or(Ok(false), |value| value.is_truthy())
}

/// The body of a message; without one, nothing.
pub(super) fn body(message: &Bound<'_, PyDict>) -> PyResult<Bytes> {
    match message.get_item(intern!(message.py(), "body"))? {
        Some(body) => bytes(&body, "the body of a response"),
        None => Ok(Bytes::new()),
    }
}

/// The bytes of any object that has bytes.
pub(super) fn bytes(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        if bytes.as_bytes().len() < LARGE {
            return Ok(Bytes::copy_from_slice(bytes.as_bytes()));
        }
        return Ok(Bytes::from_owner(Kept::new(bytes)));
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(bytes.to_vec().into());
    }
    match PyBuffer::<u8>::get(value) {
        Ok(buffer) => Ok(buffer.to_vec(value.py())?.into()),
        Err(_) => Err(PyTypeError::new_err(format!("{what} is bytes, not {}", value.get_type().name()?))),
    }
}

/// Python's bytes, kept for as long as they are wanted.
struct Kept {
    bytes: &'static [u8],
    _owner: Py<PyBytes>,
}

impl Kept {
    #[allow(unsafe_code)]
    fn new(object: &Bound<'_, PyBytes>) -> Self {
        // SAFETY: a bytes object neither changes nor moves, and this one lives as long as its owner here, which does not
        // give the reference away.
        let bytes = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(object.as_bytes()) };
        Self { bytes, _owner: object.clone().unbind() }
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}
