//! What an environ tells of the two ends of its connection.

use super::text::latin1;
use http::header;
use http::request::Parts;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rustcorn::Connection;
use std::net::{IpAddr, SocketAddr};

/// Each port has one of so many places.
const PORTS: usize = 512;

/// The two ends, as the application is to see them.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    scheme: &'static str,
    /// None: it is not known, or a process of this machine.
    client: Option<SocketAddr>,
    /// None: it is a Unix socket.
    local: Option<SocketAddr>,
}

impl Ends {
    pub(super) fn of(connection: &Connection) -> Self {
        Self { scheme: connection.scheme(), client: connection.client(), local: connection.local().tcp() }
    }

    /// Whether an environ of the others has the same keys, and none that these would leave as it is.
    pub(super) fn are_like(&self, others: &Self) -> bool {
        let has_port = |ends: &Self| ends.client.map(|client| client.port() > 0);
        self.scheme == others.scheme
            && has_port(self) == has_port(others)
            && self.local.is_some() == others.local.is_some()
    }

    /// Whether nothing but the client's port differs, which is another for each connection.
    pub(super) fn are_near(&self, others: &Self) -> bool {
        let ip = |ends: &Self| ends.client.map(|client| client.ip());
        ip(self) == ip(others) && self.local == others.local
    }
}

/// Writes addresses into environs, and remembers the newest: most requests come from few clients to few sockets.
pub(super) struct Addresses {
    client: Option<(IpAddr, Py<PyString>)>,
    server: Option<(IpAddr, Py<PyString>)>,
    ports: Vec<Option<(u16, Py<PyString>)>>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self { client: None, server: None, ports: std::iter::repeat_with(|| None).take(PORTS).collect() }
    }
}

impl Addresses {
    /// Corrects an environ that tells of the others.
    pub(super) fn correct(
        &mut self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        ends: &Ends,
        others: &Ends,
        head: &Parts,
    ) -> PyResult<()> {
        // What is told of a Unix socket depends on the request.
        if !ends.are_near(others) || ends.local.is_none() {
            return self.tell(py, environ, ends, head);
        }
        let port = ends.client.map_or(0, |client| client.port());
        if ends.client == others.client || port == 0 {
            return Ok(());
        }
        environ.set_item(intern!(py, "REMOTE_PORT"), digits(py, &mut self.ports, port)?)
    }

    pub(super) fn tell(
        &mut self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        ends: &Ends,
        head: &Parts,
    ) -> PyResult<()> {
        if ends.scheme == "https" {
            environ.set_item(intern!(py, "wsgi.url_scheme"), intern!(py, "https"))?;
            environ.set_item(intern!(py, "HTTPS"), intern!(py, "on"))?;
        }
        // Without one it is a process of this machine.
        if let Some(client) = ends.client {
            environ.set_item(intern!(py, "REMOTE_ADDR"), address(py, &mut self.client, client.ip())?)?;
            // Zero: a proxy has not told.
            if client.port() > 0 {
                environ.set_item(intern!(py, "REMOTE_PORT"), digits(py, &mut self.ports, client.port())?)?;
            }
        }
        match ends.local {
            Some(local) => {
                environ.set_item(intern!(py, "SERVER_NAME"), address(py, &mut self.server, local.ip())?)?;
                environ.set_item(intern!(py, "SERVER_PORT"), digits(py, &mut self.ports, local.port())?)
            }
            // It has no port: what the client asked for is the best guess, and neither may be empty.
            None => {
                let (name, port) = asked_for(head, ends.scheme);
                environ.set_item(intern!(py, "SERVER_NAME"), name)?;
                environ.set_item(intern!(py, "SERVER_PORT"), port)
            }
        }
    }
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
