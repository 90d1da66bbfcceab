//! What the application says in `start_response`, held against the rules before anything of it is sent.

use super::text::bytes_of;
use crate::fields::{self, Wrong};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use rustcorn::worker::ReasonPhrase;

/// The head of a response.
pub(super) struct Head {
    status: StatusCode,
    /// None: it is the usual one.
    reason: Option<ReasonPhrase>,
    headers: HeaderMap,
}

impl Head {
    /// # Errors
    ///
    /// It is no status and no list of headers as PEP 3333 wants them. The sentence names what is wrong.
    pub(super) fn parse(status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (status, reason) = parse_status(status)?;
        let list = headers
            .cast::<PyList>()
            .map_err(|_| PyTypeError::new_err(format!("the headers must be a list, not {}", kind(headers))))?;
        let mut map = HeaderMap::with_capacity(list.len());
        for pair in list.iter() {
            let (name, value) = field(&pair)?;
            map.append(name, value);
        }
        Ok(Self { status, reason, headers: map })
    }

    /// What the application has announced; several lengths that differ are an error.
    pub(super) fn length(&self) -> PyResult<Option<u64>> {
        let mut lengths = self.headers.get_all(header::CONTENT_LENGTH).iter().map(|value| {
            let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            text.and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| PyValueError::new_err(format!("Content-Length is no number: {value:?}")))
        });
        let Some(first) = lengths.next().transpose()? else { return Ok(None) };
        for other in lengths {
            if other? != first {
                return Err(PyValueError::new_err("there are two Content-Length headers, and they differ"));
            }
        }
        Ok(Some(first))
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

fn parse_status(status: &Bound<'_, PyAny>) -> PyResult<(StatusCode, Option<ReasonPhrase>)> {
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
    let wrong = || PyTypeError::new_err(format!("a header must be a tuple of two str, not {pair:?}"));
    let tuple = pair.cast::<PyTuple>().map_err(|_| wrong())?;
    if tuple.len() != 2 {
        return Err(wrong());
    }
    let (name, value) = (tuple.get_borrowed_item(0)?.to_owned(), tuple.get_borrowed_item(1)?.to_owned());
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
