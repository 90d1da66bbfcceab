//! Listening sockets: what a `bind` means, opening it, and taking over what systemd or an old arbiter has opened.
//!
//! Owns the sockets and, for Unix sockets, their files. Accepts nothing: that is `worker`, which inherits them.
//!
//! - `bind`: what the operator wrote. Pure.
//! - `open`: all binds of a load, or none; `tcp`, `unix`: a single socket, and what may be in its way; `narrow`: a wide
//!   socket that makes place for a narrow one.
//! - `listener`: what loads share; `file`: who removes the file of a Unix socket, and when.
//! - `inherit`: what others have opened.

mod bind;
mod error;
mod file;
mod inherit;
mod listener;
mod narrow;
mod open;
mod tcp;
#[cfg(test)]
mod tests;
mod unix;

pub use crate::sys::socket::SocketName;
pub use bind::{Bind, Place, Speech};
pub use error::ListenError;
pub use inherit::{inherit_systemd, inherit_upgrade};
pub use listener::Listener;
pub use open::{Listeners, Options};
