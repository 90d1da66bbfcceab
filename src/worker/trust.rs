//! Whom this worker believes about its clients.

use super::connection::Connection;
use crate::abi::ProxyOrders;
use crate::proxies::{Contradiction, Forwarding, Gate, Trusted};
use http::HeaderMap;
use std::io;

/// The rules of the options, read once.
pub(super) struct Trust {
    /// Which connections begin with a proxy's header.
    pub(super) gate: Gate,
    forwarding: Forwarding,
}

impl Trust {
    /// # Errors
    ///
    /// An entry that is no address. The arbiter has checked that; another arbiter may not have.
    pub(super) fn new(orders: &ProxyOrders) -> io::Result<Self> {
        let trusted = |entries: &[String]| Trusted::parse(entries.iter().map(String::as_str)).map_err(io::Error::other);
        let secure = orders.secure_scheme_headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let forwarding = Forwarding::new(orders.headers, trusted(&orders.forwarded_allow)?, secure);
        Ok(Self {
            gate: Gate::new(orders.protocol, trusted(&orders.allow)?),
            forwarding: forwarding.map_err(io::Error::other)?,
        })
    }

    /// The connection as the application is to see it with a request of these headers.
    pub(super) fn see(&self, connection: &Connection, headers: &HeaderMap) -> Result<Connection, Contradiction> {
        let peer = connection.trust();
        let trusted = self.forwarding.trusted().believes(peer);
        Ok(connection.seen_as(self.forwarding.evaluate(peer, headers)?, trusted))
    }

    /// Whether the word of the other end counts.
    pub(super) fn believes(&self, connection: &Connection) -> bool {
        self.forwarding.trusted().believes(connection.trust())
    }
}
