//! What the headers of a request say of the client, and how much of it is believed.
//!
//! Each proxy adds the address of whom it speaks with, so the list grows to the right: what the trusted proxies wrote is
//! the right end, and everything left of the first untrusted address may be the client's own invention.

mod names;
mod node;
mod rfc7239;
#[cfg(test)]
mod tests;
mod walk;
mod x_forwarded;

pub use names::{BadName, check_header};
pub use node::Client;

use super::{Peer, Trusted};
use crate::types::ProxyHeaders;
use http::HeaderMap;
use http::uri::Authority;
use names::Names;

/// What a trusted proxy says of the client of one request. None: it says nothing, and the connection's own facts hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// The first untrusted address from the right; if all are trusted, the first.
    pub client: Option<Client>,
    /// How the client came to the proxy.
    pub scheme: Option<Scheme>,
    /// Which host, perhaps with a port, it asked for.
    pub host: Option<Authority>,
}

/// How a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// A trusted peer's headers that cannot be believed: the request is refused (400).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// `InvalidSchemeHeaders` in Gunicorn.
    #[error("the headers of a proxy disagree on whether the client came over TLS (secure_scheme_headers)")]
    Scheme,
    /// One was written by a proxy, the other perhaps by the client, and nobody knows which (proxy_headers).
    #[error(
        "Forwarded and X-Forwarded-* disagree on the client's {0}; name the one that the proxy writes in proxy_headers"
    )]
    Families(&'static str),
    /// The client's part of the header could swallow the proxy's.
    #[error("the header Forwarded is malformed")]
    Malformed,
}

/// The rules: `proxy_headers`, `forwarded_allow_ips` and `secure_scheme_headers`.
#[derive(Clone, Debug)]
pub struct Forwarding {
    which: ProxyHeaders,
    trusted: Trusted,
    names: Names,
}

impl Forwarding {
    /// The rules of these options.
    ///
    /// # Errors
    ///
    /// A name in `secure` that is no header's.
    pub fn new<'a>(
        which: ProxyHeaders,
        trusted: Trusted,
        secure: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, BadName> {
        Ok(Self { which, trusted, names: Names::new(which, secure)? })
    }

    /// Whom these rules believe.
    #[must_use]
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// What the headers of a request say of its client. `peer` is the other end of the socket, or whom a PROXY header
    /// names ([`super::Claim::peer`]). Costs next to nothing unless a trusted peer sent such a header.
    ///
    /// # Errors
    ///
    /// Headers of a trusted peer that contradict each other.
    #[inline]
    pub fn evaluate(&self, peer: Peer, headers: &HeaderMap) -> Result<Option<Box<Forwarded>>, Contradiction> {
        if self.names.is_empty() || !self.trusted.believes(peer) || !self.names.any_in(headers) {
            return Ok(None);
        }
        self.read(headers)
    }

    #[cold]
    fn read(&self, headers: &HeaderMap) -> Result<Option<Box<Forwarded>>, Contradiction> {
        let x_forwarded = match self.which {
            ProxyHeaders::XForwarded | ProxyHeaders::Any => x_forwarded::read(headers, &self.trusted, &self.names)?,
            ProxyHeaders::Forwarded | ProxyHeaders::Off => Forwarded::default(),
        };
        let forwarded = match self.which {
            ProxyHeaders::Forwarded | ProxyHeaders::Any => rfc7239::read(headers, &self.trusted)?,
            ProxyHeaders::XForwarded | ProxyHeaders::Off => Forwarded::default(),
        };
        let found = both(x_forwarded, forwarded)?;
        Ok((found != Forwarded::default()).then(|| Box::new(found)))
    }
}

/// A proxy that writes one family may pass the other on as the client sent it, and which one it writes is not to be seen
/// from here. So neither outranks the other: where both speak they must agree.
fn both(x_forwarded: Forwarded, forwarded: Forwarded) -> Result<Forwarded, Contradiction> {
    let client = match (x_forwarded.client, forwarded.client) {
        (Some(one), Some(other)) if one.ip != other.ip => return Err(Contradiction::Families("address")),
        (Some(one), Some(other)) => Some(Client { ip: one.ip, port: one.port.or(other.port) }),
        (one, other) => one.or(other),
    };
    Ok(Forwarded {
        client,
        scheme: agreed(x_forwarded.scheme, forwarded.scheme).ok_or(Contradiction::Families("scheme"))?,
        host: agreed(x_forwarded.host, forwarded.host).ok_or(Contradiction::Families("host"))?,
    })
}

/// Whichever speaks; none if they disagree.
fn agreed<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
        (one, other) => Some(one.or(other)),
    }
}
