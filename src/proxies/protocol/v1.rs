//! Version 1: one line of text (section 2.1 of the specification).

use super::{Claim, Flaw, Header, Outcome};
use memchr::memchr2;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// How it begins.
pub const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line with its CRLF.
const LONGEST: usize = 107;

/// Reads the line; the caller has seen the signature.
pub fn parse(bytes: &[u8]) -> Outcome {
    let window = bytes.get(..LONGEST).unwrap_or(bytes);
    let Some(end) = memchr2(b'\r', b'\n', window) else {
        return if bytes.len() < LONGEST { Outcome::NeedMore } else { Outcome::Invalid(Flaw::LineTooLong) };
    };
    if end + 2 > LONGEST {
        return Outcome::Invalid(Flaw::LineTooLong);
    }
    match (window[end], window.get(end + 1)) {
        (b'\r', None) => Outcome::NeedMore,
        (b'\r', Some(b'\n')) => match claim(&window[SIGNATURE.len()..end]) {
            Ok(claim) => Outcome::Header(Header { len: end + 2, claim, tls: false }),
            Err(flaw) => Outcome::Invalid(flaw),
        },
        _ => Outcome::Invalid(Flaw::LineEnd),
    }
}

/// The line between signature and CRLF.
fn claim(line: &[u8]) -> Result<Claim, Flaw> {
    let protocol = line.split(|byte| *byte == b' ').next().unwrap_or(line);
    match protocol {
        // "The receiver must ignore anything presented before the CRLF."
        b"UNKNOWN" => Ok(Claim::Unknown),
        b"TCP4" => tcp::<Ipv4Addr>(&line[protocol.len()..]),
        b"TCP6" => tcp::<Ipv6Addr>(&line[protocol.len()..]),
        _ => Err(Flaw::Protocol),
    }
}

/// Two addresses and two ports, one space before each.
fn tcp<Ip: FromStr + Into<IpAddr>>(rest: &[u8]) -> Result<Claim, Flaw> {
    // What is no text has no address in it.
    let rest = str::from_utf8(rest).map_err(|_| Flaw::Address)?;
    let mut words = rest.strip_prefix(' ').ok_or(Flaw::Words)?.split(' ');
    let mut word = || words.next().ok_or(Flaw::Words);
    let (source, destination, source_port, destination_port) = (word()?, word()?, word()?, word()?);
    if words.next().is_some() {
        return Err(Flaw::Words);
    }
    let ip = |text: &str| text.parse::<Ip>().map(|ip| ip.into().to_canonical()).map_err(|_| Flaw::Address);
    Ok(Claim::Tcp {
        source: SocketAddr::new(ip(source)?, port(source_port)?),
        destination: SocketAddr::new(ip(destination)?, port(destination_port)?),
    })
}

/// Digits only, no leading zero.
fn port(text: &str) -> Result<u16, Flaw> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain).ok_or(Flaw::Port)
}
