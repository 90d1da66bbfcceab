//! The head of a response, as the application gives it and as the worker takes it.

use super::message;
use crate::fields::{self, Wrong};
use crate::said::Said;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::response::Parts;
use http::{Response, StatusCode};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rustcorn::worker::spare_headers;

/// A `http.response.start`, and whether trailers will follow.
pub(super) fn read(message: &Bound<'_, PyDict>) -> PyResult<(Parts, bool)> {
    let py = message.py();
    let status = message
        .get_item(intern!(py, "status"))?
        .ok_or_else(|| PyKeyError::new_err("http.response.start has a status"))?;
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = self::status(&status)?;
    parts.headers = spare_headers();
    if let Some(headers) = message.get_item(intern!(py, "headers"))? {
        fill(&mut parts.headers, &headers)?;
        // How the body is framed is not the application's business.
        parts.headers.remove(TRANSFER_ENCODING);
    }
    Ok((parts, message::flag(message, intern!(py, "trailers"))?))
}

fn status(given: &Bound<'_, PyAny>) -> PyResult<StatusCode> {
    let number: u16 = given.extract().map_err(|_| PyTypeError::new_err(format!("{given} is no status")))?;
    let status = StatusCode::from_u16(number).ok().filter(|status| !status.is_informational());
    status.ok_or_else(|| PyValueError::new_err(format!("{number} is no status of a response")))
}

/// Header fields: an iterable of pairs of bytes.
pub(super) fn fill(headers: &mut HeaderMap, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let has_length = Said::with(|said| {
        if let Ok(list) = given.cast_exact::<PyList>() {
            headers.reserve(list.len());
            return list.iter().try_fold(false, |before, pair| PyResult::Ok(before | add(said, headers, &pair)?));
        }
        given.try_iter()?.try_fold(false, |before, pair| PyResult::Ok(before | add(said, headers, &pair?)?))
    })?;
    if has_length {
        // The worker would send what it knows by itself, and nobody would hear of the mistake.
        fields::length(headers)?;
    }
    Ok(())
}

/// Whether it tells the body's length.
fn add(said: &mut Said, headers: &mut HeaderMap, pair: &Bound<'_, PyAny>) -> PyResult<bool> {
    let (name, value) = match pair.cast_exact::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => (pair.get_item(0)?, pair.get_item(1)?),
        _ => two(pair)?,
    };
    let (field, value) = match said.field(&name, &value) {
        Some(known) => known,
        None => {
            let parsed = parse(&name, &value)?;
            said.keep_field(&name, &value, &parsed);
            parsed
        }
    };
    let is_length = field == CONTENT_LENGTH;
    headers.append(field, value);
    Ok(is_length)
}

fn parse(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<(HeaderName, HeaderValue)> {
    let (Ok(name), Ok(value)) = (name.cast::<PyBytes>(), value.cast::<PyBytes>()) else {
        return Err(PyTypeError::new_err(format!("a header's name and value are bytes: {name:?}: {value:?}")));
    };
    let wrong = |what: &str| PyValueError::new_err(format!("not a valid header {what}: {name:?}: {value:?}"));
    let field = fields::field(name.as_bytes(), value.as_bytes().trim_ascii());
    field.map_err(|is_wrong| match is_wrong {
        Wrong::Name => wrong("name"),
        Wrong::Value => wrong("value"),
    })
}

/// Of any iterable.
fn two<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let items: Vec<_> = pair.try_iter()?.collect::<PyResult<_>>()?;
    match <[_; 2]>::try_from(items) {
        Ok([name, value]) => Ok((name, value)),
        Err(_) => Err(PyTypeError::new_err("headers are pairs of name and value")),
    }
}
