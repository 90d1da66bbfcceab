//! The header fields of a request as a scope has them: pairs of bytes.

use crate::places::Places;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Version};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use rustcorn::worker::may_stay;
use std::sync::{Mutex, PoisonError};

/// Fields that came before.
#[derive(Default)]
pub(super) struct Fields(Mutex<Places<Field>>);

struct Field {
    name: Py<PyBytes>,
    /// The newest value of this name, and the pair of both.
    newest: Option<(Py<PyBytes>, Py<PyTuple>)>,
}

impl Fields {
    /// All but those with an underscore in their name for which `pass` does not speak.
    pub(super) fn list<'py>(
        &self,
        py: Python<'py>,
        parts: &Parts,
        pass: impl Fn(&HeaderName) -> bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut pairs = self.pairs(py, &parts.headers, pass)?;
        if parts.version == Version::HTTP_2 {
            put_host_first(&mut pairs);
        }
        PyList::new(py, pairs)
    }

    fn pairs<'py>(
        &self,
        py: Python<'py>,
        headers: &HeaderMap,
        pass: impl Fn(&HeaderName) -> bool,
    ) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pairs = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let (text, value) = (name.as_str().as_bytes(), value.as_bytes());
            let mut spare = None;
            let place = known.of(text).unwrap_or(&mut spare);
            let field = match place {
                Some(field) if field.name.as_bytes(py) == text => field,
                // Those that are known have none.
                _ if text.contains(&b'_') => {
                    if pass(name) {
                        pairs.push(PyTuple::new(py, [PyBytes::new(py, text), PyBytes::new(py, value)])?);
                    }
                    continue;
                }
                _ => place.insert(Field { name: PyBytes::new(py, text).unbind(), newest: None }),
            };
            if let Some((_, pair)) = field.newest.as_ref().filter(|(newest, _)| newest.as_bytes(py) == value) {
                pairs.push(pair.bind(py).clone());
                continue;
            }
            let bytes = PyBytes::new(py, value);
            let pair = PyTuple::new(py, [field.name.bind(py), &bytes])?;
            field.newest = may_stay(name, value).then(|| (bytes.unbind(), pair.clone().unbind()));
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// It was made of `:authority`, which clients send first; the specification wants it there.
fn put_host_first(pairs: &mut [Bound<'_, PyTuple>]) {
    let is_host = |pair: &Bound<'_, PyTuple>| {
        let name = pair.get_borrowed_item(0);
        name.is_ok_and(|name| name.cast::<PyBytes>().is_ok_and(|name| name.as_bytes() == b"host"))
    };
    if let Some(before) = pairs.iter().position(is_host).and_then(|at| pairs.get_mut(..=at)) {
        before.rotate_right(1);
    }
}
