//! Certificates, keys and what is made of them: everything about TLS that knows no event loop.
//!
//! - `files`, `password`, `identity`, `certificate`: what an operator names, read and checked.
//! - `vault`, `material`, `tickets`: how it gets from the arbiter, which may read the files, to the workers, which
//!   perhaps may not, and how it is renewed under living workers.
//! - `config`, `suites`, `resolver`: the rustls configuration.
//! - `facts`: what an application may know of a handshake.
//!
//! Sans-io but for the vault's descriptor and, in the arbiter, the files. It logs nothing: complaints are values. No key
//! ever appears in a `Debug` text. The counterparts are `arbiter::certificates`, which fills the vault, and
//! `worker::tls`, which reads it and shakes hands.

mod certificate;
mod config;
mod error;
mod facts;
#[cfg(feature = "arbiter")]
mod files;
mod identity;
mod material;
#[cfg(feature = "arbiter")]
mod password;
mod resolver;
mod subject;
mod suites;
#[cfg(test)]
pub(crate) mod testkit;
mod tickets;
mod vault;

pub use certificate::Certificate;
pub use config::server_config;
pub use error::{Named, TlsError};
pub use facts::TlsFacts;
#[cfg(feature = "arbiter")]
pub use files::{Files, open_to_everybody, read};
pub use identity::Identity;
pub use material::{Material, Pair, Parcel, Pem};
#[cfg(feature = "arbiter")]
pub use suites::cipher_suites;
pub use tickets::TicketKeys;
#[cfg(feature = "arbiter")]
pub use vault::Vault;
pub use vault::VaultReader;
