//! The bytes of a connection, whatever protocol it speaks.
//!
//! - `io`: counted, and closed in a way that loses no response.

mod io;

pub(super) use io::{Io, Stream};
