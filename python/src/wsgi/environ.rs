//! The environ of a request: a copy of what all requests of a worker have in common, and then what is its own.

use super::names::Names;
use super::options::Options;
use super::text::latin1;
use crate::underscores::Underscores;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Version, header};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rustcorn::{Address, Connection};
use std::borrow::Cow;
use std::net::IpAddr;

/// Each port has one of so many places.
const PORTS: usize = 512;

/// Makes environs.
pub(super) struct Environs {
    template: Py<PyDict>,
    names: Names,
    root_path: String,
    underscores: Underscores,
    /// The newest addresses: most requests come from few clients to few sockets.
    client: Option<(IpAddr, Py<PyString>)>,
    server: Option<(IpAddr, Py<PyString>)>,
    ports: Vec<Option<(u16, Py<PyString>)>>,
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
            names: Names::default(),
            root_path: normal_prefix(&options.root_path),
            underscores: options.underscores.clone(),
            client: None,
            server: None,
            ports: std::iter::repeat_with(|| None).take(PORTS).collect(),
        })
    }

    pub(super) fn make<'py>(&mut self, py: Python<'py>, head: &Parts) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.template.bind(py).copy()?;
        if head.method != Method::GET {
            environ.set_item(intern!(py, "REQUEST_METHOD"), method(py, &head.method)?)?;
        }
        if head.version != Version::HTTP_11 {
            environ.set_item(intern!(py, "SERVER_PROTOCOL"), protocol(py, head.version))?;
        }
        let target = head.uri.path_and_query().map_or("*", |target| target.as_str());
        environ.set_item(intern!(py, "RAW_URI"), latin1(py, target.as_bytes())?)?;
        if let Some(query) = head.uri.query() {
            environ.set_item(intern!(py, "QUERY_STRING"), latin1(py, query.as_bytes())?)?;
        }
        let connection = head.extensions.get::<Connection>();
        let script_name = self.headers(py, &environ, &head.headers, connection)?;
        self.paths(py, &environ, head.uri.path(), script_name)?;
        if let Some(connection) = connection {
            self.addresses(py, &environ, connection, head)?;
        }
        Ok(environ)
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

    fn addresses(
        &mut self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        connection: &Connection,
        head: &Parts,
    ) -> PyResult<()> {
        let scheme = connection.scheme();
        if scheme == "https" {
            environ.set_item(intern!(py, "wsgi.url_scheme"), intern!(py, "https"))?;
            environ.set_item(intern!(py, "HTTPS"), intern!(py, "on"))?;
        }
        // Without one it is a process of this machine.
        if let Some(client) = connection.client() {
            environ.set_item(intern!(py, "REMOTE_ADDR"), address(py, &mut self.client, client.ip())?)?;
            // Zero: a proxy has not told.
            if client.port() > 0 {
                environ.set_item(intern!(py, "REMOTE_PORT"), digits(py, &mut self.ports, client.port())?)?;
            }
        }
        match connection.local() {
            Address::Tcp(local) => {
                environ.set_item(intern!(py, "SERVER_NAME"), address(py, &mut self.server, local.ip())?)?;
                environ.set_item(intern!(py, "SERVER_PORT"), digits(py, &mut self.ports, local.port())?)
            }
            // It has no port: what the client asked for is the best guess, and neither may be empty.
            Address::Unix(_) => {
                let (name, port) = asked_for(head, scheme);
                environ.set_item(intern!(py, "SERVER_NAME"), name)?;
                environ.set_item(intern!(py, "SERVER_PORT"), port)
            }
        }
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

fn address<'py>(
    py: Python<'py>,
    newest: &mut Option<(IpAddr, Py<PyString>)>,
    ip: IpAddr,
) -> PyResult<Bound<'py, PyString>> {
    if let Some((_, text)) = newest.as_ref().filter(|(known, _)| *known == ip) {
        return Ok(text.bind(py).clone());
    }
    let text = latin1(py, ip.to_string().as_bytes())?;
    *newest = Some((ip, text.clone().unbind()));
    Ok(text)
}

fn digits<'py>(
    py: Python<'py>,
    known: &mut [Option<(u16, Py<PyString>)>],
    port: u16,
) -> PyResult<Bound<'py, PyString>> {
    let place = &mut known[usize::from(port) % PORTS];
    if let Some((_, text)) = place.as_ref().filter(|(known, _)| *known == port) {
        return Ok(text.bind(py).clone());
    }
    let text = latin1(py, port.to_string().as_bytes())?;
    *place = Some((port, text.clone().unbind()));
    Ok(text)
}

/// Host and port of a request to a Unix socket.
fn asked_for(head: &Parts, scheme: &str) -> (String, String) {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<http::uri::Authority>().ok());
    let name = authority.as_ref().map(|authority| authority.host().to_owned()).filter(|host| !host.is_empty());
    let port = authority.and_then(|authority| authority.port_u16());
    let default = if scheme == "https" { 443 } else { 80 };
    (name.unwrap_or_else(|| "localhost".to_owned()), port.unwrap_or(default).to_string())
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
