//! What a scope offers beyond the specification's core, and what it tells of TLS.

use http::Version;
use http::header::{HeaderName, HeaderValue, LINK, TE};
use http::request::Parts;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use rustcorn::{Connection, TlsFacts};

/// Whether the client takes trailers (RFC 9110, 10.1.4).
pub(super) fn takes_trailers(parts: &Parts) -> bool {
    if parts.version == Version::HTTP_10 {
        return false;
    }
    let values = parts.headers.get_all(TE).iter();
    let mut words = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Adds what depends on the request.
pub(super) fn offer(extensions: &Bound<'_, PyDict>, parts: &Parts) -> PyResult<()> {
    let py = extensions.py();
    if takes_trailers(parts) {
        extensions.set_item(intern!(py, "http.response.trailers"), PyDict::new(py))?;
    }
    tell_tls(extensions, parts)
}

/// Only on a connection that speaks it.
pub(super) fn tell_tls(extensions: &Bound<'_, PyDict>, parts: &Parts) -> PyResult<()> {
    match parts.extensions.get::<Connection>().and_then(Connection::tls) {
        Some(facts) => extensions.set_item(intern!(extensions.py(), "tls"), tls(extensions.py(), facts)?),
        None => Ok(()),
    }
}

fn tls<'py>(py: Python<'py>, facts: &TlsFacts) -> PyResult<Bound<'py, PyDict>> {
    let tls = PyDict::new(py);
    tls.set_item("server_cert", py.None())?;
    let chain = PyList::empty(py);
    for certificate in facts.client_chain() {
        let der = PyBytes::new(py, certificate);
        chain.append(py.import("ssl")?.call_method1("DER_cert_to_PEM_cert", (der,))?)?;
    }
    tls.set_item("client_cert_chain", chain)?;
    tls.set_item("client_cert_name", facts.client_subject())?;
    tls.set_item("client_cert_error", py.None())?;
    tls.set_item("tls_version", facts.version_number())?;
    tls.set_item("cipher_suite", facts.cipher_suite_number())?;
    Ok(tls)
}

/// Of a `http.response.early_hint`.
pub(super) fn links(message: &Bound<'_, PyDict>) -> PyResult<Vec<(HeaderName, HeaderValue)>> {
    let Some(links) = message.get_item(intern!(message.py(), "links"))? else { return Ok(Vec::new()) };
    let link = |link: PyResult<Bound<'_, PyAny>>| {
        let link = link?;
        let bytes = link.cast::<PyBytes>().map_err(|_| PyTypeError::new_err(format!("a link is bytes: {link:?}")))?;
        let value = HeaderValue::from_bytes(bytes.as_bytes().trim_ascii());
        let value = value.map_err(|_| PyValueError::new_err(format!("not a valid link: {link:?}")))?;
        Ok((LINK, value))
    };
    links.try_iter()?.map(link).collect()
}
