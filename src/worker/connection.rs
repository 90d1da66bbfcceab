//! A connection's facts, for the application.

use super::state::ConnectionState;
use crate::types::{Generation, SlotId};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The connection that a request came by; a request extension. Cheap to clone.
///
/// ```
/// use axum::Extension;
/// async fn whoami(Extension(connection): Extension<rustcorn::Connection>) -> String {
///     format!("{} at worker {}", connection.peer(), connection.slot())
/// }
/// ```
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

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
}

impl Connection {
    pub(super) fn new(
        peer: Address,
        local: Address,
        slot: SlotId,
        generation: Generation,
        state: ConnectionState,
    ) -> Self {
        Self(Arc::new(Inner { peer, local, slot, generation, state }))
    }

    /// The client's end.
    #[must_use]
    pub fn peer(&self) -> &Address {
        &self.0.peer
    }

    /// Our end.
    #[must_use]
    pub fn local(&self) -> &Address {
        &self.0.local
    }

    /// `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        "http"
    }

    /// The worker that serves it. Displayed counting from 1.
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.0.slot
    }

    /// The generation of that worker: how many loads of settings and application there were, this one included.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    pub(super) fn state(&self) -> &ConnectionState {
        &self.0.state
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.0.peer)
            .field("local", &self.0.local)
            .field("slot", &self.0.slot)
            .field("generation", &self.0.generation)
            .finish()
    }
}
