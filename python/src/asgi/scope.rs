//! The scope of a request: what the application may know of it before it reads anything.

use super::extensions;
use super::host::Setup;
use http::request::Parts;
use http::{HeaderMap, Version};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use rustcorn::Connection;

/// Of a HTTP request.
pub(super) fn http<'py>(py: Python<'py>, setup: &Setup, parts: &Parts) -> PyResult<Bound<'py, PyDict>> {
    let scope = PyDict::new(py);
    scope.set_item(intern!(py, "type"), intern!(py, "http"))?;
    let method = parts.method.as_str();
    let method = match method {
        "GET" => intern!(py, "GET").clone(),
        "POST" => intern!(py, "POST").clone(),
        _ => PyString::new(py, &method.to_ascii_uppercase()),
    };
    scope.set_item(intern!(py, "method"), method)?;
    fill(&scope, setup, parts)?;
    let scheme = parts.extensions.get::<Connection>().map_or("http", Connection::scheme);
    let scheme = if scheme == "https" { intern!(py, "https") } else { intern!(py, "http") };
    scope.set_item(intern!(py, "scheme"), scheme)?;
    let extensions = setup.extensions.bind(py).copy()?;
    extensions::offer(&extensions, parts)?;
    scope.set_item(intern!(py, "extensions"), extensions)?;
    Ok(scope)
}

/// Of a WebSocket.
pub(super) fn websocket<'py>(
    py: Python<'py>,
    setup: &Setup,
    parts: &Parts,
    subprotocols: &[&str],
) -> PyResult<Bound<'py, PyDict>> {
    let scope = PyDict::new(py);
    scope.set_item(intern!(py, "type"), intern!(py, "websocket"))?;
    fill(&scope, setup, parts)?;
    let scheme = parts.extensions.get::<Connection>().map_or("http", Connection::scheme);
    let scheme = if scheme == "https" { intern!(py, "wss") } else { intern!(py, "ws") };
    scope.set_item(intern!(py, "scheme"), scheme)?;
    scope.set_item(intern!(py, "subprotocols"), PyList::new(py, subprotocols)?)?;
    let extensions = setup.socket_extensions.bind(py).copy()?;
    extensions::tell_tls(&extensions, parts)?;
    scope.set_item(intern!(py, "extensions"), extensions)?;
    Ok(scope)
}

/// What HTTP and WebSocket have in common.
fn fill(scope: &Bound<'_, PyDict>, setup: &Setup, parts: &Parts) -> PyResult<()> {
    let py = scope.py();
    scope.set_item(intern!(py, "asgi"), setup.versions.bind(py).copy()?)?;
    let version = match parts.version {
        Version::HTTP_10 => intern!(py, "1.0"),
        Version::HTTP_2 => intern!(py, "2"),
        _ => intern!(py, "1.1"),
    };
    scope.set_item(intern!(py, "http_version"), version)?;
    let raw = setup.options.under_root(parts.uri.path());
    scope.set_item(intern!(py, "path"), path(py, raw.as_bytes()))?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, raw.as_bytes()))?;
    scope.set_item(intern!(py, "query_string"), PyBytes::new(py, parts.uri.query().unwrap_or_default().as_bytes()))?;
    scope.set_item(intern!(py, "root_path"), setup.root_path.bind(py))?;
    scope.set_item(intern!(py, "headers"), headers(py, &parts.headers)?)?;
    if let Some(connection) = parts.extensions.get::<Connection>() {
        // As a trusted proxy says, or else the other end of the connection.
        let client = connection.client().map(|client| setup.addresses.tcp(py, client)).transpose()?;
        scope.set_item(intern!(py, "client"), client)?;
        scope.set_item(intern!(py, "server"), setup.addresses.pair(py, connection.local())?)?;
    }
    if let Some(state) = &setup.state {
        scope.set_item(intern!(py, "state"), state.bind(py).copy()?)?;
    }
    Ok(())
}

/// Percent signs are undone; what is no UTF-8 then is replaced.
fn path<'py>(py: Python<'py>, raw: &[u8]) -> Bound<'py, PyString> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !raw.contains(&b'%')
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return PyString::new(py, text);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let pair = raw.get(at + 1).zip(raw.get(at + 2));
        match pair.and_then(|(high, low)| digit(*high).zip(digit(*low))).filter(|_| byte == b'%') {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                at += 3;
            }
            None => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    PyString::new(py, &String::from_utf8_lossy(&bytes))
}

fn headers<'py>(py: Python<'py>, headers: &HeaderMap) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (name, value) in headers {
        let name = PyBytes::new(py, name.as_str().as_bytes());
        list.append(PyTuple::new(py, [name, PyBytes::new(py, value.as_bytes())])?)?;
    }
    Ok(list)
}
