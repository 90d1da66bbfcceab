//! The bytes of a connection, whatever protocol it speaks.
//!
//! - `stream`: a socket of any kind, with or without TLS.
//! - `io`: counted, and closed in a way that loses no response.

mod io;
mod stream;

pub(super) use io::Io;
pub(super) use stream::Stream;
