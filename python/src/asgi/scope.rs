//! The scope of a request: what the application may know of it before it reads anything.

use super::extensions;
use super::host::Setup;
use http::request::Parts;
use http::{Method, Version};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use rustcorn::Connection;

/// What scopes have in common. Each begins as a copy: to replace a value is cheaper than to add a key.
pub(super) struct Templates {
    http: Py<PyDict>,
    websocket: Py<PyDict>,
    /// `scope["asgi"]`; each request has a copy.
    versions: Py<PyDict>,
    socket_versions: Py<PyDict>,
    /// `scope["extensions"]`; each request has a copy.
    extensions: Py<PyDict>,
    /// The same for HTTP/1.1.
    extensions_1_1: Py<PyDict>,
    /// The same for WebSockets.
    socket_extensions: Py<PyDict>,
    /// `scope["state"]`; each request has a copy. None: the application does not know lifespans.
    state: Option<Py<PyDict>>,
}

impl Templates {
    pub(super) fn new(helpers: &Bound<'_, PyModule>, root_path: &str, state: Option<&Py<PyDict>>) -> PyResult<Self> {
        let py = helpers.py();
        let dict = |name| PyResult::Ok(helpers.getattr(name)?.cast_into::<PyDict>()?);
        let template = |kind: &str| {
            let template = PyDict::new(py);
            template.set_item(intern!(py, "type"), PyString::intern(py, kind))?;
            if kind == "http" {
                template.set_item(intern!(py, "method"), intern!(py, "GET"))?;
            }
            template.set_item(intern!(py, "asgi"), py.None())?;
            template.set_item(intern!(py, "http_version"), intern!(py, "1.1"))?;
            template.set_item(intern!(py, "path"), py.None())?;
            template.set_item(intern!(py, "raw_path"), py.None())?;
            template.set_item(intern!(py, "query_string"), PyBytes::new(py, b""))?;
            template.set_item(intern!(py, "root_path"), PyString::new(py, root_path))?;
            template.set_item(intern!(py, "headers"), py.None())?;
            template.set_item(intern!(py, "client"), py.None())?;
            template.set_item(intern!(py, "server"), py.None())?;
            if state.is_some() {
                template.set_item(intern!(py, "state"), py.None())?;
            }
            let scheme = if kind == "http" { intern!(py, "http") } else { intern!(py, "ws") };
            template.set_item(intern!(py, "scheme"), scheme)?;
            if kind != "http" {
                template.set_item(intern!(py, "subprotocols"), py.None())?;
            }
            template.set_item(intern!(py, "extensions"), py.None())?;
            PyResult::Ok(template.unbind())
        };
        let extensions = dict("EXTENSIONS")?;
        let extensions_1_1 = extensions.copy()?;
        extensions_1_1.set_item("http.response.early_hint", PyDict::new(py))?;
        Ok(Self {
            http: template("http")?,
            websocket: template("websocket")?,
            versions: dict("VERSIONS")?.unbind(),
            socket_versions: dict("SOCKET_VERSIONS")?.unbind(),
            extensions: extensions.unbind(),
            extensions_1_1: extensions_1_1.unbind(),
            socket_extensions: dict("SOCKET_EXTENSIONS")?.unbind(),
            state: state.map(|state| state.clone_ref(py)),
        })
    }
}

/// Of a HTTP request.
pub(super) fn http<'py>(py: Python<'py>, setup: &Setup, parts: &Parts) -> PyResult<Bound<'py, PyDict>> {
    let templates = &setup.templates;
    let scope = templates.http.bind(py).copy()?;
    if parts.method != Method::GET {
        let method = match parts.method {
            Method::POST => intern!(py, "POST").clone(),
            ref method => PyString::new(py, &method.as_str().to_ascii_uppercase()),
        };
        scope.set_item(intern!(py, "method"), method)?;
    }
    scope.set_item(intern!(py, "asgi"), templates.versions.bind(py).copy()?)?;
    fill(&scope, setup, parts)?;
    if is_secure(parts) {
        scope.set_item(intern!(py, "scheme"), intern!(py, "https"))?;
    }
    let is_1_1 = parts.version == Version::HTTP_11;
    let extensions = if is_1_1 { &templates.extensions_1_1 } else { &templates.extensions };
    let extensions = extensions.bind(py).copy()?;
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
    let scope = setup.templates.websocket.bind(py).copy()?;
    fill(&scope, setup, parts)?;
    if is_secure(parts) {
        scope.set_item(intern!(py, "scheme"), intern!(py, "wss"))?;
    }
    scope.set_item(intern!(py, "asgi"), setup.templates.socket_versions.bind(py).copy()?)?;
    scope.set_item(intern!(py, "subprotocols"), PyList::new(py, subprotocols)?)?;
    let extensions = setup.templates.socket_extensions.bind(py).copy()?;
    extensions::tell_tls(&extensions, parts)?;
    scope.set_item(intern!(py, "extensions"), extensions)?;
    Ok(scope)
}

fn is_secure(parts: &Parts) -> bool {
    parts.extensions.get::<Connection>().is_some_and(|connection| connection.scheme() == "https")
}

/// What HTTP and WebSocket have in common.
fn fill(scope: &Bound<'_, PyDict>, setup: &Setup, parts: &Parts) -> PyResult<()> {
    let py = scope.py();
    match parts.version {
        Version::HTTP_10 => scope.set_item(intern!(py, "http_version"), intern!(py, "1.0"))?,
        Version::HTTP_2 => scope.set_item(intern!(py, "http_version"), intern!(py, "2"))?,
        _ => {}
    }
    let raw = setup.options.under_root(parts.uri.path());
    scope.set_item(intern!(py, "path"), path(py, raw.as_bytes()))?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, raw.as_bytes()))?;
    if let Some(query) = parts.uri.query() {
        scope.set_item(intern!(py, "query_string"), PyBytes::new(py, query.as_bytes()))?;
    }
    let connection = parts.extensions.get::<Connection>();
    let pass = |name: &_| setup.options.underscores.pass(name, connection);
    scope.set_item(intern!(py, "headers"), setup.fields.list(py, parts, pass)?)?;
    if let Some(connection) = connection {
        // As a trusted proxy says, or else the other end of the connection.
        if let Some(client) = connection.client() {
            scope.set_item(intern!(py, "client"), setup.addresses.client(py, client)?)?;
        }
        scope.set_item(intern!(py, "server"), setup.addresses.server(py, connection.local())?)?;
    }
    if let Some(state) = &setup.templates.state {
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
