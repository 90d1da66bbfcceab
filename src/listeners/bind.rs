//! What an operator writes after `--bind`. Pure.

use super::error::ListenError;
use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// Gunicorn's port, for a host that names none.
const DEFAULT_PORT: u16 = 8000;
/// What a port alone means.
const ALL_INTERFACES: &str = "0.0.0.0";

/// One `bind`, as it was written and as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    text: String,
    place: Place,
    speech: Speech,
}

/// Whether connections begin with a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Nothing was said: TCP speaks TLS if there are certificates, a Unix socket never does, since what connects there is
    /// a proxy on the same machine. (In Gunicorn it does.)
    Default,
    /// Never.
    Plain,
    /// In any case.
    Tls,
}

impl Speech {
    /// Whether it is TLS.
    #[must_use]
    pub fn is_tls(self, certificates: bool, tcp: bool) -> bool {
        match self {
            Self::Default => certificates && tcp,
            Self::Plain => false,
            Self::Tls => true,
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host, by name or address, and a port; 0 is any free one.
    Tcp {
        /// As it is resolved.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A socket that listens already, inherited under this number.
    Fd(RawFd),
}

impl Bind {
    /// Reads `HOST:PORT`, `[::1]:PORT`, `:PORT`, `PORT`, `HOST`, `unix:PATH`, `fd://N`; `tcp://` in front changes
    /// nothing. `http://` and `https://` in front of a host and its port, `http+` and `https+` in front of `unix:PATH`
    /// and `fd://N`, say whether TLS is spoken there.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str) -> Result<Self, ListenError> {
        let read = speech(text).and_then(|(speech, rest)| Ok((speech, place(rest)?)));
        let (speech, place) = read.map_err(|why| ListenError::Syntax { bind: text.to_owned(), why })?;
        Ok(Self { text: text.to_owned(), place, speech })
    }

    /// Whether TLS is spoken there.
    #[must_use]
    pub fn speech(&self) -> Speech {
        self.speech
    }

    /// Where it means.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is said about TLS, and the rest.
fn speech(text: &str) -> Result<(Speech, &str), String> {
    let schemes = [("https", Speech::Tls), ("http", Speech::Plain)];
    let found = schemes.into_iter().find_map(|(scheme, speech)| Some((scheme, speech, text.strip_prefix(scheme)?)));
    let Some((scheme, speech, rest)) = found else { return Ok((Speech::Default, text)) };
    if let Some(address) = rest.strip_prefix("://") {
        // Whoever writes a URL without a port means 443 or 80; whoever writes a bind, 8000.
        let after_host = address.rsplit_once(']').map_or(address, |(_, after)| after);
        let has_port = after_host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        let forms = format!("write {scheme}://HOST:PORT");
        return if has_port { Ok((speech, address)) } else { Err(format!("{scheme}:// needs a port; {forms}")) };
    }
    match rest.strip_prefix('+') {
        Some(address) if address.starts_with("unix:") || address.starts_with("fd://") => Ok((speech, address)),
        Some(_) => Err(format!("only unix:PATH or fd://N may follow {scheme}+; for TCP write {scheme}://HOST:PORT")),
        // A host of that name.
        None => Ok((Speech::Default, text)),
    }
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return if path.is_empty() { Err("unix: needs a path".into()) } else { Ok(Place::Unix(path.into())) };
    }
    if let Some(number) = text.strip_prefix("fd://") {
        let number = number.parse().ok().filter(|number| *number >= 0);
        return number.map(Place::Fd).ok_or_else(|| "fd:// needs the number of a descriptor".into());
    }
    let rest = text.strip_prefix("tcp://").unwrap_or(text);
    if let Some((scheme, _)) = rest.split_once("://") {
        return Err(format!("{}:// is not known here; write HOST:PORT, unix:PATH or fd://N", scheme.escape_debug()));
    }
    if rest.is_empty() {
        return Err("nothing to listen on; write HOST:PORT, unix:PATH or fd://N".into());
    }
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']').ok_or("the closing ] is missing")?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| format!("{} is no IPv6 address", host.escape_debug()))?;
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err("only :PORT may follow the closing ]".into()),
        }
    } else if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        ("", Some(rest))
    } else {
        match rest.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address is written in brackets, as in [::1]:8000".into());
            }
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| format!("{port:?} is no port; a port is a number from 0 to 65535"))?,
    };
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
        return Err(format!("{host:?} is no host"));
    }
    let host = if host.is_empty() { ALL_INTERFACES } else { host };
    Ok(Place::Tcp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tcp(host: &str, port: u16) -> Place {
        Place::Tcp { host: host.into(), port }
    }

    #[test]
    fn every_documented_form_is_read() {
        let cases = [
            ("127.0.0.1:9000", tcp("127.0.0.1", 9000)),
            ("tcp://127.0.0.1:9000", tcp("127.0.0.1", 9000)),
            ("localhost", tcp("localhost", 8000)),
            (":9000", tcp("0.0.0.0", 9000)),
            ("9000", tcp("0.0.0.0", 9000)),
            ("[::1]:9000", tcp("::1", 9000)),
            ("[::]", tcp("::", 8000)),
            ("unix:/run/a.sock", Place::Unix("/run/a.sock".into())),
            ("unix:///run/a.sock", Place::Unix("/run/a.sock".into())),
            ("unix:a.sock", Place::Unix("a.sock".into())),
            ("fd://3", Place::Fd(3)),
        ];
        for (text, place) in cases {
            assert_eq!(Bind::parse(text).map(|bind| bind.place), Ok(place), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_in_one_line() {
        let wrong =
            ["", "a:b", "1.2.3.4:70000", "::1:8000", "[::1", "[::1]8000", "[nope]:1", "unix:", "fd://", "fd://-1"];
        let schemes =
            ["ftp://a:1", "http://a", "https://[::1]", "https://a:", "https://", "https+a:1", "http+", "http://a:1/"];
        for text in wrong.into_iter().chain(["a b:1", "a/b:1"]).chain(schemes) {
            let complaint = Bind::parse(text).map_or_else(|error| error.to_string(), |bind| panic!("{bind:?}"));
            assert!(complaint.contains(text) && !complaint.contains('\n'), "{complaint}");
        }
    }

    #[test]
    fn a_scheme_says_what_is_spoken_there() {
        let cases = [
            ("a:1", tcp("a", 1), Speech::Default),
            ("tcp://a:1", tcp("a", 1), Speech::Default),
            ("http://a:1", tcp("a", 1), Speech::Plain),
            ("https://a:1", tcp("a", 1), Speech::Tls),
            ("https://:1", tcp("0.0.0.0", 1), Speech::Tls),
            ("https://[::1]:1", tcp("::1", 1), Speech::Tls),
            ("https:1", tcp("https", 1), Speech::Default),
            ("httpd", tcp("httpd", 8000), Speech::Default),
            ("unix:a", Place::Unix("a".into()), Speech::Default),
            ("https+unix:a", Place::Unix("a".into()), Speech::Tls),
            ("http+fd://3", Place::Fd(3), Speech::Plain),
        ];
        for (text, place, speech) in cases {
            assert_eq!(Bind::parse(text).map(|bind| (bind.place, bind.speech)), Ok((place, speech)), "{text}");
        }
        let spoken = [Speech::Default, Speech::Plain, Speech::Tls]
            .map(|speech| [(false, true), (true, true), (true, false)].map(|(files, tcp)| speech.is_tls(files, tcp)));
        assert_eq!(spoken, [[false, true, false], [false; 3], [true; 3]]);
    }

    #[test]
    fn a_complaint_is_one_line_whatever_it_quotes() {
        for text in ["a\nb://c", "[a\nb]:1", "a\nb", "a:\n"] {
            let complaint = Bind::parse(text).map_or_else(|error| error.to_string(), |bind| panic!("{bind:?}"));
            assert_eq!(complaint.lines().count(), 1, "{complaint}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Bind::parse(&text);
        }

        #[test]
        fn host_and_port_survive(host in "[a-z][a-z0-9.-]{0,20}", port: u16) {
            let parsed = Bind::parse(&format!("{host}:{port}"));
            prop_assert_eq!(parsed.map(|bind| bind.place), Ok(tcp(&host, port)));
        }
    }
}
