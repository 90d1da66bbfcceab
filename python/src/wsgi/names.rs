//! Fields of a request as an environ has them: `accept-encoding` is `HTTP_ACCEPT_ENCODING`.

use super::text::latin1;
use crate::places::Places;
use http::HeaderName;
use pyo3::prelude::*;
use pyo3::types::PyString;
use rustcorn::worker::may_stay;

/// Keys and values that were made before.
#[derive(Default)]
pub(super) struct Names(Places<Field>);

pub(super) struct Field {
    name: HeaderName,
    pub(super) key: Py<PyString>,
    /// The newest value of this name.
    newest: Option<(Box<[u8]>, Py<PyString>)>,
}

impl Names {
    /// What is known of this name. None: nothing is kept of it.
    pub(super) fn known(&mut self, name: &HeaderName) -> Option<&mut Field> {
        self.0.of(name.as_str().as_bytes())?.as_mut().filter(|field| field.name == *name)
    }

    /// The key of a name.
    pub(super) fn key<'py>(&mut self, py: Python<'py>, name: &HeaderName) -> PyResult<Bound<'py, PyString>> {
        match self.known(name) {
            Some(field) => Ok(field.key.bind(py).clone()),
            None => self.add(py, name),
        }
    }

    /// Makes the key of a name, and keeps it.
    pub(super) fn add<'py>(&mut self, py: Python<'py>, name: &HeaderName) -> PyResult<Bound<'py, PyString>> {
        let key = match name.as_str() {
            "content-type" => PyString::intern(py, "CONTENT_TYPE"),
            "content-length" => PyString::intern(py, "CONTENT_LENGTH"),
            other => latin1(py, variable(other).as_bytes())?,
        };
        // Two names that differ by an underscore only have one key, and not the same rights.
        if !name.as_str().contains('_')
            && let Some(place) = self.0.of(name.as_str().as_bytes())
        {
            // Hashed once for all.
            key.hash()?;
            *place = Some(Field { name: name.clone(), key: key.clone().unbind(), newest: None });
        }
        Ok(key)
    }
}

impl Field {
    pub(super) fn value<'py>(&mut self, py: Python<'py>, value: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if let Some((_, text)) = self.newest.as_ref().filter(|(newest, _)| **newest == *value) {
            return Ok(text.bind(py).clone());
        }
        let text = latin1(py, value)?;
        self.newest = may_stay(&self.name, value).then(|| (value.into(), text.clone().unbind()));
        Ok(text)
    }
}

fn variable(name: &str) -> String {
    let mut key = String::with_capacity(5 + name.len());
    key.push_str("HTTP_");
    key.extend(name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }));
    key
}
