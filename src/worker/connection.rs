//! A connection's facts, for the application.

use super::state::ConnectionState;
use crate::proxies::{Client, Forwarded, Peer, Scheme};
use crate::tls::TlsFacts;
use crate::types::{Generation, SlotId};
use http::{HeaderName, HeaderValue};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The connection that a request came by; a request extension. Cheap to clone.
///
/// ```
/// use axum::Extension;
/// async fn whoami(Extension(connection): Extension<rustcorn::Connection>) -> String {
///     format!("{} at worker {}", connection.peer(), connection.slot())
/// }
/// ```
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
    /// What a trusted proxy says of the request that this handle belongs to.
    forwarded: Option<Arc<Forwarded>>,
    /// Its other end is a proxy whose word counts.
    trusted: bool,
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of a TCP connection.
    Tcp(SocketAddr),
    /// Of a Unix connection; clients have no path as a rule.
    Unix(Option<PathBuf>),
}

impl Address {
    /// The address of a TCP connection.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
        }
    }
}

struct Inner {
    peer: Address,
    local: Address,
    slot: SlotId,
    generation: Generation,
    state: ConnectionState,
    greeting: OnceLock<Greeting>,
    hints: Hints,
}

/// Interim responses that wait to be sent (HTTP/1.1).
#[derive(Default)]
struct Hints {
    waiting: AtomicBool,
    heads: Mutex<Vec<u8>>,
}

/// What was learned before the first request.
#[derive(Default)]
pub(super) struct Greeting {
    /// The ends of the connection as a PROXY header tells them.
    pub(super) ends: Option<(Address, Address)>,
    /// Whose word counts about the client, if that is not the socket's other end.
    pub(super) trust: Option<Peer>,
    /// The client came to a proxy over TLS.
    pub(super) proxied_tls: bool,
    pub(super) tls: Option<Arc<TlsFacts>>,
}

impl Connection {
    pub(super) fn new(
        peer: Address,
        local: Address,
        slot: SlotId,
        generation: Generation,
        state: ConnectionState,
    ) -> Self {
        let inner = Inner { peer, local, slot, generation, state, greeting: OnceLock::new(), hints: Hints::default() };
        Self { inner: Arc::new(inner), forwarded: None, trusted: false }
    }

    /// The other end: that of the socket, or the client that a PROXY header names.
    #[must_use]
    pub fn peer(&self) -> &Address {
        self.ends().map_or(&self.inner.peer, |(peer, _)| peer)
    }

    /// Our end, or that of the proxy whose PROXY header names it.
    #[must_use]
    pub fn local(&self) -> &Address {
        self.ends().map_or(&self.inner.local, |(_, local)| local)
    }

    /// The client: the one that trusted proxies name in the headers of this request (`forwarded_allow_ips`), or else the
    /// [`peer`](Self::peer). Port 0: it is not known. None: a Unix socket, or a proxy's header that tells nobody.
    #[must_use]
    pub fn client(&self) -> Option<SocketAddr> {
        match self.forwarded.as_ref().and_then(|forwarded| forwarded.client) {
            Some(Client { ip, port }) => Some(SocketAddr::new(ip, port.unwrap_or(0))),
            // The other end is the proxy, which keeps its client to itself.
            None if self.trust() == Peer::Hidden => None,
            None => self.peer().tcp(),
        }
    }

    /// `https` if the client came over TLS, here or to a trusted proxy; `http` if not.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self.forwarded.as_ref().and_then(|forwarded| forwarded.scheme) {
            Some(Scheme::Https) => "https",
            Some(Scheme::Http) => "http",
            None if self.tls().is_some() || self.greeting().is_some_and(|greeting| greeting.proxied_tls) => "https",
            None => "http",
        }
    }

    /// The host, perhaps with a port, that the client asked a trusted proxy for, if that says so.
    #[must_use]
    pub fn forwarded_host(&self) -> Option<&str> {
        Some(self.forwarded.as_ref()?.host.as_ref()?.as_str())
    }

    /// Whether the other end is a proxy whose headers are believed (`forwarded_allow_ips`).
    #[must_use]
    pub fn is_from_trusted_proxy(&self) -> bool {
        self.trusted
    }

    /// How TLS is spoken on this connection, and the client's certificate; none: it is not.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.greeting()?.tls.as_deref()
    }

    /// The worker that serves it. Displayed counting from 1.
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.inner.slot
    }

    /// The generation of that worker: how many loads of settings and application there were, this one included.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.inner.generation
    }

    /// Sends these fields ahead of the response (RFC 8297), if that is by HTTP/1.1 and has not begun. Nobody waits for it.
    #[doc(hidden)]
    pub fn hint<'f>(&self, fields: impl IntoIterator<Item = &'f (HeaderName, HeaderValue)>) {
        let mut heads = self.inner.hints.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\n");
        for (name, value) in fields {
            heads.extend_from_slice(name.as_str().as_bytes());
            heads.extend_from_slice(b": ");
            heads.extend_from_slice(value.as_bytes());
            heads.extend_from_slice(b"\r\n");
        }
        heads.extend_from_slice(b"\r\n");
        self.inner.hints.waiting.store(true, Relaxed);
        drop(heads);
        self.inner.state.wake();
    }

    /// What was hinted at since the last call.
    pub(super) fn take_hints(&self) -> Option<Vec<u8>> {
        let hints = &self.inner.hints;
        if !hints.waiting.load(Relaxed) {
            return None;
        }
        let mut heads = hints.heads.lock().unwrap_or_else(PoisonError::into_inner);
        hints.waiting.store(false, Relaxed);
        Some(std::mem::take(&mut *heads))
    }

    fn greeting(&self) -> Option<&Greeting> {
        self.inner.greeting.get()
    }

    fn ends(&self) -> Option<&(Address, Address)> {
        self.greeting()?.ends.as_ref()
    }

    /// What comes before the first request is over. Only the first call counts.
    pub(super) fn greet(&self, greeting: Greeting) {
        drop(self.inner.greeting.set(greeting));
    }

    /// Whose word counts about the client.
    pub(super) fn trust(&self) -> Peer {
        if let Some(trust) = self.greeting().and_then(|greeting| greeting.trust) {
            return trust;
        }
        self.socket_trust()
    }

    /// The other end of the socket, whatever it says.
    pub(super) fn socket_trust(&self) -> Peer {
        match &self.inner.peer {
            Address::Tcp(address) => Peer::Ip(address.ip()),
            Address::Unix(_) => Peer::Unix,
        }
    }

    /// Whether it is a Unix socket.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.inner.peer, Address::Unix(_))
    }

    /// The handle for a request of which a proxy says this.
    pub(super) fn seen_as(&self, forwarded: Option<Box<Forwarded>>, trusted: bool) -> Self {
        Self { inner: self.inner.clone(), forwarded: forwarded.map(Arc::from), trusted }
    }

    /// The client's address for the access log.
    pub(super) fn client_ip(&self) -> Option<IpAddr> {
        self.client().map(|address| address.ip())
    }

    pub(super) fn state(&self) -> &ConnectionState {
        &self.inner.state
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", self.peer())
            .field("local", self.local())
            .field("slot", &self.inner.slot)
            .field("generation", &self.inner.generation)
            .finish()
    }
}
