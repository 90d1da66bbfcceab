//! WSGI's strings: bytes of HTTP, each of which is one character (PEP 3333, "Unicode Issues").

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::borrow::Cow;

/// The string of these bytes.
pub(super) fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    let length = ffi::Py_ssize_t::try_from(bytes.len()).map_err(|_| PyValueError::new_err("too long"))?;
    // SAFETY: the pointer and the length are those of a slice, and we are attached; the result is a new reference to a
    // string, or null with an exception set.
    unsafe {
        let text = ffi::PyUnicode_DecodeLatin1(bytes.as_ptr().cast(), length, std::ptr::null());
        Ok(Bound::from_owned_ptr_or_err(py, text)?.cast_into_unchecked())
    }
}

/// The bytes of this string, if each of its characters is one.
pub(super) fn bytes_of<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Option<Cow<'a, [u8]>>> {
    let text = text.to_str()?;
    if text.is_ascii() {
        return Ok(Some(Cow::Borrowed(text.as_bytes())));
    }
    Ok(text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>().map(Cow::Owned))
}
