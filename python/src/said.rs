//! What applications have said of their responses before: most of it are the same objects again, of which nothing has to be
//! made anew.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use rustcorn::worker::ReasonPhrase;
use rustcorn::worker::may_stay;
use std::cell::Cell;

/// An object has one place. Others may have the same: then they take turns in it.
const PLACES: usize = 64;
/// What is longer is not kept.
const LONGEST: usize = 128;

thread_local! {
    static SAID: Cell<Option<Box<Said>>> = const { Cell::new(None) };
}

/// A status, and its reason; none: it is the usual one.
pub(crate) type Status = (StatusCode, Option<ReasonPhrase>);

/// Objects, and what they stand for.
pub(crate) struct Said {
    status: Option<(Py<PyString>, Status)>,
    fields: [Option<Field>; PLACES],
}

struct Field {
    name: Py<PyAny>,
    value: Py<PyAny>,
    parsed: (HeaderName, HeaderValue),
}

impl Said {
    /// Lends this thread's own to `use_it`, which may run Python: whoever comes here meanwhile begins with nothing.
    pub(crate) fn with<T>(use_it: impl FnOnce(&mut Self) -> T) -> T {
        let empty = || Box::new(Self { status: None, fields: [const { None }; PLACES] });
        let mut said = SAID.take().unwrap_or_else(empty);
        let done = use_it(&mut said);
        SAID.set(Some(said));
        done
    }

    pub(crate) fn status(&self, text: &Bound<'_, PyAny>) -> Option<Status> {
        let (known, status) = self.status.as_ref()?;
        known.is(text).then(|| status.clone())
    }

    pub(crate) fn keep_status(&mut self, text: &Bound<'_, PyAny>, status: &Status) {
        // A reason of its own may say anything.
        if let Ok(text) = text.cast_exact::<PyString>()
            && status.1.is_none()
            && is_short(text)
        {
            self.status = Some((text.clone().unbind(), status.clone()));
        }
    }

    pub(crate) fn field(&self, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> Option<(HeaderName, HeaderValue)> {
        let field = self.fields[place(name)].as_ref()?;
        (field.name.is(name) && field.value.is(value)).then(|| field.parsed.clone())
    }

    pub(crate) fn keep_field(
        &mut self,
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        parsed: &(HeaderName, HeaderValue),
    ) {
        if is_short(name) && is_short(value) && may_stay(&parsed.0, parsed.1.as_bytes()) {
            let (name_kept, value) = (name.clone().unbind(), value.clone().unbind());
            self.fields[place(name)] = Some(Field { name: name_kept, value, parsed: parsed.clone() });
        }
    }
}

/// Whether it is a string or bytes, which never change, and not long. What is more has a life of its own, which is not to
/// be longer.
fn is_short(object: &Bound<'_, PyAny>) -> bool {
    let is_plain = object.is_exact_instance_of::<PyString>() || object.is_exact_instance_of::<PyBytes>();
    is_plain && object.len().is_ok_and(|length| length <= LONGEST)
}

fn place(name: &Bound<'_, PyAny>) -> usize {
    // Objects lie 16 bytes apart at least.
    let address = name.as_ptr().addr() >> 4;
    (address ^ address >> 6) % PLACES
}
