//! Names of header fields as keys of an environ: `accept-encoding` is `HTTP_ACCEPT_ENCODING`.

use super::text::latin1;
use http::HeaderName;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::collections::HashMap;

/// Names beyond so many are made anew each time: they are the client's choice.
const MOST: usize = 256;

/// The keys that were made so far.
#[derive(Default)]
pub(super) struct Names(HashMap<HeaderName, Py<PyString>>);

impl Names {
    pub(super) fn key<'py>(&mut self, py: Python<'py>, name: &HeaderName) -> PyResult<Bound<'py, PyString>> {
        if let Some(key) = self.0.get(name) {
            return Ok(key.bind(py).clone());
        }
        let key = match name.as_str() {
            "content-type" => PyString::intern(py, "CONTENT_TYPE"),
            "content-length" => PyString::intern(py, "CONTENT_LENGTH"),
            other => latin1(py, variable(other).as_bytes())?,
        };
        if self.0.len() < MOST {
            // Hashed once for all.
            key.hash()?;
            self.0.insert(name.clone(), key.clone().unbind());
        }
        Ok(key)
    }
}

fn variable(name: &str) -> String {
    let mut key = String::with_capacity(5 + name.len());
    key.push_str("HTTP_");
    key.extend(name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }));
    key
}
