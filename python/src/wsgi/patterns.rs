//! Environs to begin with: most requests have the same fields as others before, mostly with the same values, and come from
//! few clients. A copy of such an environ in which little is to be changed costs less than one that is filled anew.

use super::ends::Ends;
use super::names::Names;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{Method, Version};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustcorn::worker::{Sightings, may_stay};

/// One for each number of fields, and then they take turns.
const PLACES: usize = 16;
/// What is longer is not kept, and what has more fields.
const LONGEST: usize = 128;
const MOST_FIELDS: usize = 64;
/// What a new pattern costs, in requests that fit none; each that fits one earns more. So requests that are all different
/// pay next to nothing for the attempt.
const PRICE: u32 = 64;
const REWARD: u32 = 2;
const MOST_CREDIT: u32 = 4 * PRICE;

/// The patterns of one thread.
pub(super) struct Patterns {
    places: [Option<Box<Pattern>>; PLACES],
    targets: Sightings,
    credit: u32,
}

impl Default for Patterns {
    fn default() -> Self {
        Self { places: Default::default(), targets: Sightings::default(), credit: MOST_CREDIT }
    }
}

/// The environ of a request, as far as it may stay in memory for longer than that.
pub(super) struct Pattern {
    /// It is never given away.
    environ: Py<PyDict>,
    method: Method,
    version: Version,
    ends: Ends,
    /// None: it is not kept.
    target: Option<Box<[u8]>>,
    fields: Vec<Field>,
}

struct Field {
    name: HeaderName,
    /// None: it is not kept.
    value: Option<Box<[u8]>>,
}

impl Patterns {
    /// The one whose environs have the keys that the environ of this request will have. It is to be given back.
    pub(super) fn take(&mut self, head: &Parts, ends: &Ends) -> Option<Box<Pattern>> {
        self.places[head.headers.len() % PLACES].take_if(|pattern| pattern.fits(head, ends))
    }

    /// Gives one back that has served. Whether a new one is wanted, if there is `news` that it could have kept.
    pub(super) fn give_back(&mut self, pattern: Box<Pattern>, news: bool) -> bool {
        self.keep(pattern);
        self.credit = (self.credit + REWARD).min(MOST_CREDIT);
        news && self.is_paid()
    }

    /// None has served: whether a new one is wanted.
    pub(super) fn is_wanted(&mut self) -> bool {
        self.credit = (self.credit + 1).min(MOST_CREDIT);
        self.is_paid()
    }

    fn is_paid(&mut self) -> bool {
        let rest = self.credit.checked_sub(PRICE);
        self.credit = rest.unwrap_or(self.credit);
        rest.is_some()
    }

    /// Makes one of the environ of this request.
    pub(super) fn learn(
        &mut self,
        names: &mut Names,
        head: &Parts,
        ends: Ends,
        environ: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let has_come_before = may_keep_target(head) && self.targets.again(target(head).as_bytes());
        let target = has_come_before.then(|| target(head));
        if let Some(pattern) = Pattern::of(names, head, target, ends, environ)? {
            self.keep(Box::new(pattern));
        }
        Ok(())
    }

    fn keep(&mut self, pattern: Box<Pattern>) {
        let place = pattern.fields.len() % PLACES;
        self.places[place] = Some(pattern);
    }
}

impl Pattern {
    /// None: something in it has to be looked at each time. Without a `target` it is one for any.
    fn of(
        names: &mut Names,
        head: &Parts,
        target: Option<&str>,
        ends: Ends,
        environ: &Bound<'_, PyDict>,
    ) -> PyResult<Option<Self>> {
        let py = environ.py();
        let is_large = head.headers.len() > MOST_FIELDS || head.method.as_str().len() > LONGEST;
        let has_one_of_each = head.headers.keys_len() == head.headers.len();
        if is_large || !has_one_of_each || head.headers.contains_key(header::TRANSFER_ENCODING) {
            return Ok(None);
        }
        let environ = environ.copy()?;
        let mut fields = Vec::with_capacity(head.headers.len());
        for (name, value) in &head.headers {
            if name.as_str().contains('_') || name.as_str().len() > LONGEST {
                return Ok(None);
            }
            let value = Some(value.as_bytes()).filter(|value| may_stay(name, value));
            if value.is_none() {
                environ.set_item(names.key(py, name)?, "")?;
            }
            fields.push(Field { name: name.clone(), value: value.map(Into::into) });
        }
        if target.is_none() {
            for key in [intern!(py, "RAW_URI"), intern!(py, "PATH_INFO"), intern!(py, "QUERY_STRING")] {
                environ.set_item(key, "")?;
            }
        }
        Ok(Some(Self {
            environ: environ.unbind(),
            method: head.method.clone(),
            version: head.version,
            ends,
            target: target.map(|target| target.as_bytes().into()),
            fields,
        }))
    }

    fn fits(&self, head: &Parts, ends: &Ends) -> bool {
        self.fields.len() == head.headers.len()
            && self.fields.len() == head.headers.keys_len()
            && self.fields.iter().zip(head.headers.keys()).all(|(field, name)| field.name == *name)
            && self.method == head.method
            && self.version == head.version
            && self.ends.are_like(ends)
    }

    /// An environ in which the rest is to be changed.
    pub(super) fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.environ.bind(py).copy()
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    pub(super) fn has_target(&self, target: &str) -> bool {
        self.target.as_deref() == Some(target.as_bytes())
    }

    /// The fields that have another value here.
    pub(super) fn others<'h>(&self, head: &'h Parts) -> impl Iterator<Item = (&'h HeaderName, &'h [u8])> {
        let pairs = self.fields.iter().zip(&head.headers).map(|(field, (name, value))| (field, name, value.as_bytes()));
        pairs.filter(|(field, _, value)| field.value.as_deref() != Some(value)).map(|(_, name, value)| (name, value))
    }
}

/// Whether its target may stay in memory: a query is the client's own.
pub(super) fn may_keep_target(head: &Parts) -> bool {
    head.uri.query().is_none() && target(head).len() <= LONGEST
}

/// The target of a request; `*`: it has none.
pub(super) fn target(head: &Parts) -> &str {
    head.uri.path_and_query().map_or("*", |target| target.as_str())
}
