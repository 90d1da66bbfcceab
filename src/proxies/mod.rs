//! Whom to believe about the client, and what they say: the PROXY protocol in front of a connection, and the headers
//! of a request that proxies add.
//!
//! Pure: bytes and headers in, facts out. It refuses to guess: what is malformed, contradicts itself or comes from
//! somebody who is not trusted is an error or ignored, never half believed. Its counterpart `worker` reads the sockets
//! and answers; `settings` holds its options against the same parsers.

mod forwarded;
mod protocol;
mod trusted;

pub use forwarded::{BadName, Client, Contradiction, Forwarded, Forwarding, Scheme, check_header};
pub use protocol::{Claim, Flaw, Gate, Header, MAX_HEADER, Outcome, Refusal, Verdict, parse};
pub use trusted::{BadEntry, Trusted, entries};

use std::net::IpAddr;

/// The other end of a connection, as far as trust is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Somebody with an address.
    Ip(IpAddr),
    /// A process of this machine: trusted without being listed, as in Gunicorn.
    Unix,
    /// A proxy that is trusted speaks for a client of which it tells no address. Trusted only if everybody is.
    Hidden,
}
