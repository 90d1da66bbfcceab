//! The environ of a request: a copy of what it has in common with others, and then what is its own.

use super::ends::{Addresses, Ends};
use super::names::Names;
use super::options::Options;
use super::patterns::{Pattern, Patterns, may_keep_target, target};
use super::text::latin1;
use crate::underscores::Underscores;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Version, header};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rustcorn::Connection;
use rustcorn::worker::may_stay;
use std::borrow::Cow;

/// Makes environs.
pub(super) struct Environs {
    /// What all requests of a worker have in common.
    template: Py<PyDict>,
    patterns: Patterns,
    names: Names,
    addresses: Addresses,
    root_path: String,
    underscores: Underscores,
}

impl Environs {
    /// `shared`: what all environs have beyond the names that PEP 3333 prescribes.
    pub(super) fn new(py: Python<'_>, options: &Options, shared: &Bound<'_, PyDict>) -> PyResult<Self> {
        let template = shared.copy()?;
        template.set_item(intern!(py, "wsgi.version"), (1, 0))?;
        template.set_item(intern!(py, "wsgi.multithread"), options.threads > 1)?;
        template.set_item(intern!(py, "wsgi.multiprocess"), options.multiprocess)?;
        template.set_item(intern!(py, "wsgi.run_once"), false)?;
        template.set_item(intern!(py, "wsgi.input_terminated"), true)?;
        template.set_item(intern!(py, "SERVER_SOFTWARE"), concat!("rustcorn/", env!("CARGO_PKG_VERSION")))?;
        // To replace a value is cheaper than to add a key.
        template.set_item(intern!(py, "wsgi.early_hints"), py.None())?;
        template.set_item(intern!(py, "REQUEST_METHOD"), intern!(py, "GET"))?;
        template.set_item(intern!(py, "SERVER_PROTOCOL"), intern!(py, "HTTP/1.1"))?;
        template.set_item(intern!(py, "RAW_URI"), "")?;
        template.set_item(intern!(py, "SCRIPT_NAME"), normal_prefix(&options.root_path))?;
        template.set_item(intern!(py, "PATH_INFO"), "")?;
        template.set_item(intern!(py, "QUERY_STRING"), "")?;
        template.set_item(intern!(py, "SERVER_NAME"), "")?;
        template.set_item(intern!(py, "SERVER_PORT"), "")?;
        template.set_item(intern!(py, "REMOTE_ADDR"), "")?;
        template.set_item(intern!(py, "wsgi.url_scheme"), intern!(py, "http"))?;
        Ok(Self {
            template: template.unbind(),
            patterns: Patterns::default(),
            names: Names::default(),
            addresses: Addresses::default(),
            root_path: normal_prefix(&options.root_path),
            underscores: options.underscores.clone(),
        })
    }

    pub(super) fn make<'py>(&mut self, py: Python<'py>, head: &Parts) -> PyResult<Bound<'py, PyDict>> {
        let connection = head.extensions.get::<Connection>();
        let Some(ends) = connection.map(Ends::of) else { return self.anew(py, head, None) };
        let (environ, is_to_be_learnt) = match self.patterns.take(head, &ends) {
            Some(pattern) => {
                let (environ, news) = self.like(py, &pattern, head, &ends)?;
                (environ, self.patterns.give_back(pattern, news))
            }
            None => {
                let environ = self.anew(py, head, connection)?;
                self.addresses.tell(py, &environ, &ends, head)?;
                (environ, self.patterns.is_wanted())
            }
        };
        if is_to_be_learnt {
            self.patterns.learn(&mut self.names, head, ends, &environ)?;
        }
        Ok(environ)
    }

    /// With all but what is told of the connection's ends.
    fn anew<'py>(
        &mut self,
        py: Python<'py>,
        head: &Parts,
        connection: Option<&Connection>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.template.bind(py).copy()?;
        if head.method != Method::GET {
            environ.set_item(intern!(py, "REQUEST_METHOD"), method(py, &head.method)?)?;
        }
        if head.version != Version::HTTP_11 {
            environ.set_item(intern!(py, "SERVER_PROTOCOL"), protocol(py, head.version))?;
        }
        let script_name = self.headers(py, &environ, &head.headers, connection)?;
        self.target(py, &environ, head, script_name)?;
        Ok(environ)
    }

    /// By a pattern that fits. True: there was something else to be kept.
    fn like<'py>(
        &mut self,
        py: Python<'py>,
        pattern: &Pattern,
        head: &Parts,
        ends: &Ends,
    ) -> PyResult<(Bound<'py, PyDict>, bool)> {
        let environ = pattern.copy(py)?;
        let mut news = !ends.are_near(pattern.ends());
        if !pattern.has_target(target(head)) {
            self.target(py, &environ, head, None)?;
            news |= may_keep_target(head);
        }
        for (name, value) in pattern.others(head) {
            match self.names.known(name) {
                Some(field) => {
                    let value = field.value(py, value)?;
                    environ.set_item(&field.key, value)?;
                }
                None => environ.set_item(self.names.add(py, name)?, latin1(py, value)?)?,
            }
            news |= may_stay(name, value);
        }
        self.addresses.correct(py, &environ, ends, pattern.ends(), head)?;
        Ok((environ, news))
    }

    /// The target, and the path in it.
    fn target(
        &self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        head: &Parts,
        script_name: Option<Vec<u8>>,
    ) -> PyResult<()> {
        environ.set_item(intern!(py, "RAW_URI"), latin1(py, target(head).as_bytes())?)?;
        if let Some(query) = head.uri.query() {
            environ.set_item(intern!(py, "QUERY_STRING"), latin1(py, query.as_bytes())?)?;
        }
        self.paths(py, environ, head.uri.path(), script_name)
    }

    /// SCRIPT_NAME and PATH_INFO: both together are the path, whether a proxy has stripped its part or not.
    fn paths(
        &self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        path: &str,
        script_name: Option<Vec<u8>>,
    ) -> PyResult<()> {
        let path = decoded(path);
        let root = script_name.as_deref().unwrap_or(self.root_path.as_bytes());
        let info = match path.strip_prefix(root) {
            Some(rest) if rest.is_empty() || rest[0] == b'/' => rest,
            _ => &path,
        };
        if script_name.is_some() {
            environ.set_item(intern!(py, "SCRIPT_NAME"), latin1(py, root)?)?;
        }
        environ.set_item(intern!(py, "PATH_INFO"), latin1(py, info)?)
    }

    /// The fields of the head. Returns the SCRIPT_NAME that a trusted proxy names.
    fn headers(
        &mut self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        headers: &HeaderMap,
        connection: Option<&Connection>,
    ) -> PyResult<Option<Vec<u8>>> {
        let mut script_name = None;
        // A map that has as many names as values has no name twice.
        let is_plain = headers.keys_len() == headers.len();
        for (name, value) in headers {
            if is_plain
                && *name != header::TRANSFER_ENCODING
                && let Some(field) = self.names.known(name)
            {
                let value = field.value(py, value.as_bytes())?;
                environ.set_item(&field.key, value)?;
                continue;
            }
            // The body comes decoded, and where it ends is for `wsgi.input` to tell.
            if *name == header::TRANSFER_ENCODING {
                continue;
            }
            if name.as_str().contains('_') {
                if !self.underscores.pass(name, connection) {
                    continue;
                }
                if name.as_str() == "script_name" && self.underscores.is_proxys(name, connection) {
                    script_name = headers.get(name).map(|value| value.as_bytes().to_vec());
                }
            }
            let key = self.names.add(py, name)?;
            // Of a name that comes twice this is done twice, which is rare and right.
            environ.set_item(key, latin1(py, &joined(headers, name))?)?;
        }
        Ok(script_name)
    }
}

/// With a slash in front, and none behind; empty: none.
fn normal_prefix(prefix: &str) -> String {
    let bare = prefix.trim_matches('/');
    if bare.is_empty() { String::new() } else { format!("/{bare}") }
}

fn method<'py>(py: Python<'py>, method: &Method) -> PyResult<Bound<'py, PyString>> {
    Ok(match *method {
        Method::POST => intern!(py, "POST").clone(),
        Method::HEAD => intern!(py, "HEAD").clone(),
        _ => latin1(py, method.as_str().as_bytes())?,
    })
}

fn protocol(py: Python<'_>, version: Version) -> Bound<'_, PyString> {
    match version {
        Version::HTTP_10 => intern!(py, "HTTP/1.0"),
        Version::HTTP_2 => intern!(py, "HTTP/2.0"),
        _ => intern!(py, "HTTP/1.1"),
    }
    .clone()
}

/// The values of a field that came more than once, as one.
fn joined<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Cow<'h, [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map_or(&b""[..], |value| value.as_bytes());
    let Some(second) = values.next() else { return Cow::Borrowed(first) };
    let separator: &[u8] = if *name == header::COOKIE { b"; " } else { b"," };
    let mut all = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        all.extend_from_slice(separator);
        all.extend_from_slice(value.as_bytes());
    }
    Cow::Owned(all)
}

/// Without its percent encoding.
fn decoded(path: &str) -> Cow<'_, [u8]> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let digit = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are a byte.
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}
