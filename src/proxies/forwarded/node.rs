//! An address or a host as proxies write them.

use http::uri::Authority;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A client as a proxy names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address. IPv4 within IPv6 is shown as IPv4.
    pub ip: IpAddr,
    /// Its port, where the proxy tells it.
    pub port: Option<u16>,
}

/// Reads `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:80`. None for a client that is
/// `unknown`, hidden behind a name (`_a1`), or nonsense. A hidden port (RFC 7239, section 6.2) hides nothing else.
pub fn client(text: &[u8]) -> Option<Client> {
    let text = str::from_utf8(text).ok()?;
    let (ip, port) = if let Some(rest) = text.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        (ip.parse::<Ipv6Addr>().ok()?.into(), port)
    } else if let Ok(ip) = text.parse::<IpAddr>() {
        (ip, None)
    } else {
        let (ip, port) = text.split_once(':')?;
        (ip.parse::<Ipv4Addr>().ok()?.into(), Some(port))
    };
    let port = match port {
        None => None,
        Some(hidden) if is_hidden(hidden) => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
    };
    Some(Client { ip: ip.to_canonical(), port })
}

/// `_` and letters, digits, `.`, `_`, `-`.
fn is_hidden(text: &str) -> bool {
    let name = text.strip_prefix('_').unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Reads a host with or without a port, as in the header Host; none for anything else. A name is of the characters that
/// names in use are made of: fewer than a URI would allow, since it may end up in links and in the addresses of mails.
pub fn host(text: &[u8]) -> Option<Authority> {
    let authority = Authority::try_from(text).ok()?;
    let host = authority.host();
    let is_known = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
    };
    // Userinfo would stand in front, a malformed port behind.
    let is_whole = match authority.as_str().strip_prefix(host)? {
        "" => true,
        rest => rest.starts_with(':') && authority.port_u16().is_some(),
    };
    (is_known && is_whole).then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        for (text, ip, port) in [
            ("192.0.2.1", "192.0.2.1", None),
            ("192.0.2.1:80", "192.0.2.1", Some(80)),
            ("192.0.2.1:_x-1", "192.0.2.1", None),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001:db8::1]:65535", "2001:db8::1", Some(65535)),
            ("::ffff:192.0.2.1", "192.0.2.1", None),
        ] {
            let expected = Client { ip: ip.parse().expect("an address"), port };
            assert_eq!(client(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "",
            "unknown",
            "_hidden",
            "192.0.2",
            "192.0.2.01",
            "192.0.2.1:",
            "192.0.2.1:+1",
            "192.0.2.1:65536",
            "192.0.2.1:_",
            "[192.0.2.1]",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1]80",
            "::1]",
            "fe80::1%1",
            "192.0.2.1 ",
            "example.com",
        ] {
            assert_eq!(client(text.as_bytes()), None, "{text}");
        }
        assert_eq!(client(b"\xff"), None);
    }

    #[test]
    fn hosts_are_read_as_in_the_header_host() {
        for text in ["example.com", "example.com:8443", "192.0.2.1:1", "[2001:db8::1]", "[2001:db8::1]:80", "a_b"] {
            assert_eq!(host(text.as_bytes()).as_ref().map(Authority::as_str), Some(text));
        }
        for text in [
            "",
            ":80",
            "a b",
            "user@example.com",
            "a/b",
            "a:b",
            "a:",
            "a:65536",
            "a:1:2",
            "a,b",
            "[::1",
            "a\0",
            "a?b",
            "a#b",
            "[]x",
        ] {
            assert_eq!(host(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[\\[\\]0-9a-f:._@/-]{0,24}") {
            let _ = (client(&bytes), host(&bytes), client(text.as_bytes()), host(text.as_bytes()));
        }

        #[test]
        fn what_is_written_is_read(ip: IpAddr, port: u16) {
            let socket = std::net::SocketAddr::new(ip, port).to_string();
            prop_assert_eq!(client(socket.as_bytes()), Some(Client { ip: ip.to_canonical(), port: Some(port) }));
            prop_assert_eq!(client(ip.to_string().as_bytes()), Some(Client { ip: ip.to_canonical(), port: None }));
        }
    }
}
