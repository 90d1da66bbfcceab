//! What goes through the vault: the PEM texts of a load and the keys for session tickets.
//!
//! Texts instead of parsed keys, because a library's worker may have been built with another rustls. Nothing here shows
//! a key in its `Debug` text.

use super::tickets::TicketKeys;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A PEM file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pem {
    /// As it was written, for messages.
    pub path: String,
    /// Its content. What is not UTF-8 cannot be PEM and has been replaced.
    pub text: String,
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A certificate with its chain, and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The server's own certificate first.
    pub certificate: Pem,
    /// The key; perhaps the same file.
    pub key: Pem,
}

/// Everything that was read from files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// The first is for clients that ask for no name that we have.
    pub pairs: Vec<Pair>,
    /// Who vouches for clients.
    pub clients: Option<Pem>,
}

/// One version of a vault's content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parcel {
    /// From the files.
    pub material: Material,
    /// Made by the arbiter, the same for all its workers.
    pub tickets: TicketKeys,
}
