//! Version 2: binary (section 2.2 of the specification).

use super::crc32c::crc32c;
use super::{Claim, Flaw, Header, MAX_HEADER, Outcome};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

/// How it begins: nothing that a server of another protocol would take for a request.
pub const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
const FIXED: usize = 16;

/// The checksum over the whole header (`PP2_TYPE_CRC32C`).
const TYPE_CRC32C: u8 = 0x03;
/// How the client came to the proxy (`PP2_TYPE_SSL`): a byte of flags, four of the verification, more fields.
const TYPE_SSL: u8 = 0x20;
const SSL_FIXED: usize = 5;
/// The flag for a client that came over TLS (`PP2_CLIENT_SSL`).
const CLIENT_SSL: u8 = 0x01;

#[derive(Clone, Copy)]
enum Family {
    Unspecified,
    V4,
    V6,
    Unix,
}

impl Family {
    /// Of the addresses, in bytes.
    fn len(self) -> usize {
        match self {
            Self::Unspecified => 0,
            Self::V4 => 12,
            Self::V6 => 36,
            Self::Unix => 216,
        }
    }
}

/// Reads the header; the caller has seen the signature. Every byte is judged as soon as it is there, so that nobody is
/// waited for who is refused anyway.
pub fn parse(bytes: &[u8]) -> Outcome {
    match header(bytes) {
        Ok(Some(header)) => Outcome::Header(header),
        Ok(None) => Outcome::NeedMore,
        Err(flaw) => Outcome::Invalid(flaw),
    }
}

fn header(bytes: &[u8]) -> Result<Option<Header>, Flaw> {
    let Some(command) = bytes.get(12) else { return Ok(None) };
    if command >> 4 != 2 {
        return Err(Flaw::Version);
    }
    let is_local = match command & 0x0f {
        0 => true,
        1 => false,
        _ => return Err(Flaw::Command),
    };
    let Some(family) = bytes.get(13) else { return Ok(None) };
    let family = match family {
        // "The receiver must discard the protocol block including the family."
        _ if is_local => Family::Unspecified,
        0x00 => Family::Unspecified,
        0x11 => Family::V4,
        0x21 => Family::V6,
        0x31 => Family::Unix,
        _ => return Err(Flaw::Family),
    };
    let Some(len) = number(bytes, 14) else { return Ok(None) };
    let len = FIXED + len;
    if len > MAX_HEADER {
        return Err(Flaw::TooLong);
    }
    if len < FIXED + family.len() {
        return Err(Flaw::TooShort);
    }
    let Some(whole) = bytes.get(..len) else { return Ok(None) };
    let (addresses, fields) = whole[FIXED..].split_at(family.len());
    let claim = match family {
        Family::Unspecified if is_local => return Ok(Some(Header { len, claim: Claim::Local, tls: false })),
        // Where no address is told, the rest need not be understood either.
        Family::Unspecified => return Ok(Some(Header { len, claim: Claim::Unknown, tls: false })),
        Family::Unix => Claim::Unix,
        Family::V4 => tcp::<4, Ipv4Addr>(addresses).ok_or(Flaw::TooShort)?,
        Family::V6 => tcp::<16, Ipv6Addr>(addresses).ok_or(Flaw::TooShort)?,
    };
    let tls = additional(whole, len - fields.len())?;
    Ok(Some(Header { len, claim, tls }))
}

/// Both addresses, then both ports.
fn tcp<const N: usize, Ip: From<[u8; N]> + Into<IpAddr>>(bytes: &[u8]) -> Option<Claim> {
    let socket = |ip_at: usize, port_at: usize| {
        let ip: [u8; N] = bytes.get(ip_at..ip_at + N)?.try_into().ok()?;
        let port = u16::from_be_bytes(bytes.get(port_at..port_at + 2)?.try_into().ok()?);
        Some(SocketAddr::new(Ip::from(ip).into().to_canonical(), port))
    };
    Some(Claim::Tcp { source: socket(0, 2 * N)?, destination: socket(N, 2 * N + 2)? })
}

/// Checks the additional fields from `at` on; whether the client came over TLS.
fn additional(header: &[u8], at: usize) -> Result<bool, Flaw> {
    let (mut tls, mut sum) = (None, None);
    let mut rest = at;
    while rest < header.len() {
        let (kind, value) = field(header, rest)?;
        rest = value.end;
        let twice = match kind {
            TYPE_SSL => tls.replace(came_over_tls(header, value)?).is_some(),
            TYPE_CRC32C => sum.replace(verify(header, value)?).is_some(),
            // A field that nobody here needs, or of a kind to come.
            _ => false,
        };
        if twice {
            return Err(Flaw::Field);
        }
    }
    Ok(tls.unwrap_or(false))
}

/// Reads the flags of an SSL field, and checks that the fields inside it fill it.
fn came_over_tls(header: &[u8], value: Range<usize>) -> Result<bool, Flaw> {
    let inside = &header[..value.end];
    let mut rest = value.start + SSL_FIXED;
    if rest > value.end {
        return Err(Flaw::Field);
    }
    while rest < value.end {
        rest = field(inside, rest)?.1.end;
    }
    Ok(header[value.start] & CLIENT_SSL != 0)
}

/// The field at `at`: its type, and where its value is.
fn field(bytes: &[u8], at: usize) -> Result<(u8, Range<usize>), Flaw> {
    let kind = *bytes.get(at).ok_or(Flaw::Field)?;
    let start = at + 3;
    let value = start..start + number(bytes, at + 1).ok_or(Flaw::Field)?;
    if value.end > bytes.len() { Err(Flaw::Field) } else { Ok((kind, value)) }
}

/// The checksum is that of the header with zeros in the checksum's place.
fn verify(header: &[u8], place: Range<usize>) -> Result<(), Flaw> {
    let told: [u8; 4] = header[place.clone()].try_into().map_err(|_| Flaw::Field)?;
    let found = crc32c([&header[..place.start], &[0; 4], &header[place.end..]]);
    if found == u32::from_be_bytes(told) { Ok(()) } else { Err(Flaw::Checksum) }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(number).into())
}
