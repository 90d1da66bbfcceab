//! What the application says in `start_response`, held against the rules before anything of it is sent.

use super::text::bytes_of;
use crate::fields::{self, Wrong};
use crate::said::{Said, Status};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use rustcorn::worker::{ReasonPhrase, spare_headers};

/// The head of a response.
pub(super) struct Head {
    status: StatusCode,
    reason: Option<ReasonPhrase>,
    headers: HeaderMap,
    /// What the application has announced.
    pub(super) length: Option<u64>,
}

impl Head {
    /// # Errors
    ///
    /// It is no status and no list of headers as PEP 3333 wants them. The sentence names what is wrong.
    pub(super) fn parse(status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        Said::with(|said| Self::parse_with(said, status, headers))
    }

    fn parse_with(said: &mut Said, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (status, reason) = match said.status(status) {
            Some(known) => known,
            None => {
                let parsed = parse_status(status)?;
                said.keep_status(status, &parsed);
                parsed
            }
        };
        let list = headers
            .cast::<PyList>()
            .map_err(|_| PyTypeError::new_err(format!("the headers must be a list, not {}", kind(headers))))?;
        let mut map = spare_headers();
        map.reserve(list.len());
        let mut has_length = false;
        for pair in list.iter() {
            let (name, value) = field_with(said, &pair)?;
            has_length |= name == header::CONTENT_LENGTH;
            map.append(name, value);
        }
        let length = if has_length { fields::length(&map)? } else { None };
        Ok(Self { status, reason, headers: map, length })
    }

    /// Whether a response of this status has a body, whatever the application gives.
    pub(super) fn has_body(&self) -> bool {
        self.status != StatusCode::NO_CONTENT && self.status != StatusCode::NOT_MODIFIED
    }

    pub(super) fn response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(reason) = self.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

fn kind(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string())
}

fn parse_status(status: &Bound<'_, PyAny>) -> PyResult<Status> {
    let text = status
        .cast::<PyString>()
        .map_err(|_| PyTypeError::new_err(format!("the status must be a str, not {}", kind(status))))?;
    let wrong = || PyValueError::new_err(format!("the status must be like '200 OK', not {text:?}"));
    let bytes = bytes_of(text)?.ok_or_else(wrong)?;
    let (code, reason) = match &*bytes {
        [a, b, c, b' ', reason @ ..] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) => (&bytes[..3], reason),
        _ => return Err(wrong()),
    };
    let status = StatusCode::from_bytes(code).map_err(|_| wrong())?;
    if status.is_informational() {
        return Err(PyValueError::new_err(format!("the status {text:?} is no final answer")));
    }
    if Some(reason) == status.canonical_reason().map(str::as_bytes) {
        return Ok((status, None));
    }
    let phrase = ReasonPhrase::try_from(reason).map_err(|_| wrong())?;
    Ok((status, Some(phrase)))
}

/// A header as applications give them.
pub(super) fn field(pair: &Bound<'_, PyAny>) -> PyResult<(HeaderName, HeaderValue)> {
    Said::with(|said| field_with(said, pair))
}

fn field_with(said: &mut Said, pair: &Bound<'_, PyAny>) -> PyResult<(HeaderName, HeaderValue)> {
    let wrong = || PyTypeError::new_err(format!("a header must be a tuple of two str, not {pair:?}"));
    let tuple = pair.cast::<PyTuple>().map_err(|_| wrong())?;
    if tuple.len() != 2 {
        return Err(wrong());
    }
    let (name, value) = (tuple.get_borrowed_item(0)?, tuple.get_borrowed_item(1)?);
    if let Some(known) = said.field(&name, &value) {
        return Ok(known);
    }
    let parsed = parse_field(pair, &name, &value)?;
    said.keep_field(&name, &value, &parsed);
    Ok(parsed)
}

fn parse_field(
    pair: &Bound<'_, PyAny>,
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> PyResult<(HeaderName, HeaderValue)> {
    let wrong = || PyTypeError::new_err(format!("a header must be a tuple of two str, not {pair:?}"));
    let name = name.cast::<PyString>().map_err(|_| wrong())?;
    let value = value.cast::<PyString>().map_err(|_| wrong())?;
    let bad_name = || PyValueError::new_err(format!("{name:?} is no name of a header"));
    let bad_value = || PyValueError::new_err(format!("the header {name} has characters that none may have: {value:?}"));
    let field = fields::field(&bytes_of(name)?.ok_or_else(bad_name)?, &bytes_of(value)?.ok_or_else(bad_value)?);
    let (parsed, value) = field.map_err(|wrong| match wrong {
        Wrong::Name => bad_name(),
        Wrong::Value => bad_value(),
    })?;
    if is_hop_by_hop(&parsed) {
        return Err(PyValueError::new_err(format!(
            "the header {name} is about the connection, which is the server's (PEP 3333, \"Other HTTP Features\")"
        )));
    }
    Ok((parsed, value))
}

/// As `wsgiref.util.is_hop_by_hop` has it.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    const NAMES: [&str; 9] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str())
}
