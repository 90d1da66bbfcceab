//! The PROXY protocol of HAProxy: what a proxy says in front of a connection of the client that it speaks for.
//!
//! `parse` reads it from whatever has arrived so far, `Gate` adds whom to believe. The specification forbids a receiver
//! to guess, so the gate never does: from a peer that is allowed to send a header one is demanded, and to any other peer
//! it is forbidden.

mod crc32c;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use super::{Peer, Trusted};
use crate::types::ProxyProtocol;
use std::net::SocketAddr;

/// The longest header that is taken, in bytes. Version 2 would allow 65,551, of which no proxy is known to use more than
/// a few hundred; a reader needs a buffer of this size.
pub const MAX_HEADER: usize = 4096;

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A header may be coming: ask again when there is more.
    NeedMore,
    /// No header of a version that is taken: the bytes are the client's own.
    NotProxy,
    /// A whole header.
    Header(Header),
    /// A header that is wrong; more bytes cannot mend it.
    Invalid(Flaw),
}

/// A whole header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it takes; the client's own follow.
    pub len: usize,
    /// Whom the connection is for.
    pub claim: Claim,
    /// The client came to the proxy over TLS. Only version 2 can tell.
    pub tls: bool,
}

/// Whom a proxy says that a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// For the proxy itself (LOCAL), as for a health check: the socket's own addresses hold.
    Local,
    /// For a client of which the proxy tells no address (UNKNOWN, UNSPEC).
    Unknown,
    /// For a client that came to the proxy over TCP. IPv4 addresses within IPv6 are shown as IPv4.
    Tcp {
        /// The client.
        source: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
    },
    /// For a client that came to the proxy over a Unix socket. Paths of another machine say nothing here.
    Unix,
}

impl Claim {
    /// Whose trustworthiness counts for the requests of the connection, given the other end of the socket. It is not the
    /// proxy's, which passes the client's bytes on as they are: a client behind it could write any header.
    #[must_use]
    pub fn peer(&self, socket: Peer) -> Peer {
        match self {
            Self::Local => socket,
            Self::Tcp { source, .. } => Peer::Ip(source.ip()),
            Self::Unknown | Self::Unix => Peer::Hidden,
        }
    }
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Version 1: no CRLF within 107 bytes.
    #[error("the line is longer than 107 bytes")]
    LineTooLong,
    /// Version 1: CR or LF without the other.
    #[error("the line does not end in CRLF")]
    LineEnd,
    /// Version 1: neither TCP4, TCP6 nor UNKNOWN.
    #[error("the protocol is none of TCP4, TCP6 and UNKNOWN")]
    Protocol,
    /// Version 1: too few or too many words, or more than one space between.
    #[error("the line is not made of a protocol, two addresses and two ports")]
    Words,
    /// Version 1: not an address of the family that the line names.
    #[error("an address is malformed")]
    Address,
    /// Version 1: not a number from 0 to 65535 without leading zeros.
    #[error("a port is malformed")]
    Port,
    /// Version 2: the signature is followed by another version.
    #[error("the version is not 2")]
    Version,
    /// Version 2: neither LOCAL nor PROXY.
    #[error("the command is neither LOCAL nor PROXY")]
    Command,
    /// Version 2: not a family of addresses over a stream.
    #[error("the address family is none of TCP over IPv4, TCP over IPv6, Unix stream and unspecified")]
    Family,
    /// Version 2: longer than [`MAX_HEADER`].
    #[error("the header is longer than {MAX_HEADER} bytes")]
    TooLong,
    /// Version 2: shorter than the addresses of its family.
    #[error("the header is shorter than its addresses")]
    TooShort,
    /// Version 2: the additional fields do not fill their room exactly.
    #[error("an additional field is malformed")]
    Field,
    /// Version 2: the checksum is not that of the header.
    #[error("the checksum is wrong")]
    Checksum,
}

/// Reads the header at the beginning of a connection. `NeedMore` comes only while the bytes are the beginning of some
/// header, and never for [`MAX_HEADER`] bytes or more; any other answer is final: it stays the same whatever follows.
#[must_use]
pub fn parse(bytes: &[u8], mode: ProxyProtocol) -> Outcome {
    match sniff(bytes, mode) {
        Sniff::TooEarly => Outcome::NeedMore,
        Sniff::Neither => Outcome::NotProxy,
        Sniff::V1 => v1::parse(bytes),
        Sniff::V2 => v2::parse(bytes),
    }
}

/// What the first bytes promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sniff {
    TooEarly,
    Neither,
    V1,
    V2,
}

fn sniff(bytes: &[u8], mode: ProxyProtocol) -> Sniff {
    let taken = |version| mode == ProxyProtocol::Auto || mode == version;
    let v1 = taken(ProxyProtocol::V1).then_some((v1::SIGNATURE, Sniff::V1));
    let v2 = taken(ProxyProtocol::V2).then_some((v2::SIGNATURE, Sniff::V2));
    for (signature, version) in v1.into_iter().chain(v2) {
        if bytes.starts_with(signature) {
            return version;
        }
        if signature.starts_with(bytes) {
            return Sniff::TooEarly;
        }
    }
    Sniff::Neither
}

// === whom to believe ===

/// Which connections begin with a header: `proxy_protocol` and `proxy_allow_ips`.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    mode: ProxyProtocol,
    allowed: Trusted,
}

/// What becomes of a new connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too early to tell.
    NeedMore,
    /// It is served as it is.
    Plain,
    /// It is served for the client in the header, which is to be skipped.
    For(Header),
    /// It is refused; there is nobody who would understand an answer.
    Refuse(Refusal),
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `ForbiddenProxyRequest` in Gunicorn.
    #[error("a PROXY header from a peer that is not in proxy_allow_ips")]
    Forbidden,
    /// It has to speak for a client, and does not.
    #[error("no PROXY header (proxy_protocol) from a peer that is in proxy_allow_ips")]
    Missing,
    /// A header that cannot be understood.
    #[error("a malformed PROXY header: {0}")]
    Invalid(#[from] Flaw),
}

impl Gate {
    /// The gate of these options.
    #[must_use]
    pub fn new(mode: ProxyProtocol, allowed: Trusted) -> Self {
        Self { mode, allowed }
    }

    /// Whether connections have to be looked at at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mode != ProxyProtocol::Off
    }

    /// Judges a connection by the other end of its socket and by the bytes that have arrived so far.
    #[must_use]
    pub fn judge(&self, peer: Peer, bytes: &[u8]) -> Verdict {
        if !self.is_on() {
            return Verdict::Plain;
        }
        if !self.allowed.believes(peer) {
            return match sniff(bytes, self.mode) {
                Sniff::TooEarly => Verdict::NeedMore,
                Sniff::Neither => Verdict::Plain,
                Sniff::V1 | Sniff::V2 => Verdict::Refuse(Refusal::Forbidden),
            };
        }
        match parse(bytes, self.mode) {
            Outcome::NeedMore => Verdict::NeedMore,
            Outcome::NotProxy => Verdict::Refuse(Refusal::Missing),
            Outcome::Header(header) => Verdict::For(header),
            Outcome::Invalid(flaw) => Verdict::Refuse(flaw.into()),
        }
    }
}
