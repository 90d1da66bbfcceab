//! Header fields of responses. Most are the same as in the response before, and need not be looked through again.

use crate::places::Places;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rustcorn::worker::may_stay;
use std::cell::RefCell;

/// A field as it was given, and what was made of it.
struct Field {
    given: Box<[u8]>,
    name: HeaderName,
    value: Option<HeaderValue>,
}

thread_local! {
    static FIELDS: RefCell<Places<Field>> = RefCell::default();
}

/// What is wrong with a field.
pub(crate) enum Wrong {
    Name,
    Value,
}

/// A field of these bytes.
pub(crate) fn field(name: &[u8], value: &[u8]) -> Result<(HeaderName, HeaderValue), Wrong> {
    FIELDS.with_borrow_mut(|fields| {
        let Some(place) = fields.of(name) else { return parse(name, value) };
        if let Some(field) = place.as_mut().filter(|field| *field.given == *name) {
            if let Some(known) = field.value.as_ref().filter(|known| known.as_bytes() == value) {
                return Ok((field.name.clone(), known.clone()));
            }
            let value = HeaderValue::from_bytes(value).map_err(|_| Wrong::Value)?;
            field.value = Some(&value).filter(|value| may_stay(&field.name, value.as_bytes())).cloned();
            return Ok((field.name.clone(), value));
        }
        let (parsed, value) = parse(name, value)?;
        let kept = Some(&value).filter(|value| may_stay(&parsed, value.as_bytes())).cloned();
        *place = Some(Field { given: name.into(), name: parsed.clone(), value: kept });
        Ok((parsed, value))
    })
}

/// The length that an application announces; several that differ are an error.
pub(crate) fn length(headers: &HeaderMap) -> PyResult<Option<u64>> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let number = number(value.as_bytes())
            .ok_or_else(|| PyValueError::new_err(format!("Content-Length is no number: {value:?}")))?;
        if length.is_some_and(|first| first != number) {
            return Err(PyValueError::new_err("there are two Content-Length headers, and they differ"));
        }
        length = Some(number);
    }
    Ok(length)
}

fn number(digits: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |sum: u64, byte| sum.checked_mul(10)?.checked_add(digit(byte)?);
    digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())
}

fn parse(name: &[u8], value: &[u8]) -> Result<(HeaderName, HeaderValue), Wrong> {
    let name = HeaderName::from_bytes(name).map_err(|_| Wrong::Name)?;
    Ok((name, HeaderValue::from_bytes(value).map_err(|_| Wrong::Value)?))
}
