//! The notation of `syslog_addr` and the names of `syslog_facility`, both Gunicorn's. Pure: hosts are not looked up here.

use std::path::PathBuf;

/// Where syslog listens, unless a port is named (RFC 5426).
const PORT: u16 = 514;

/// The facilities' names.
pub const FACILITIES: &[&str] = &[
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "security", "syslog", "user", "uucp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Their numbers, in the same order (RFC 5424, 6.2.1; `security` is an old name of `auth`).
const NUMBERS: [u8; 21] = [4, 10, 9, 3, 11, 0, 6, 2, 7, 4, 5, 1, 8, 16, 17, 18, 19, 20, 21, 22, 23];
const _: () = assert!(FACILITIES.len() == NUMBERS.len());

/// The number of a facility; an unknown name, which no parser lets through, is `user`.
#[must_use]
pub fn facility(name: &str) -> u8 {
    FACILITIES.iter().zip(NUMBERS).find(|(known, _)| **known == name).map_or(1, |(_, number)| number)
}

/// Where a syslog daemon is, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// A socket at this path.
    Unix(PathBuf),
    /// A host, by name or address, and its port.
    Udp {
        /// As it is looked up.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Reads an address. Streams are refused: a message could stop in its middle, and the server would have to wait.
///
/// # Errors
///
/// The end of the sentence that begins with the option's name.
pub fn parse_address(text: &str) -> Result<SyslogAddress, String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("unix://") {
        return match rest.split_once('#').unwrap_or((rest, "dgram")) {
            ("", _) => Err(format!("{text} names no path; write it as in unix:///dev/log")),
            (path, "dgram") => Ok(SyslogAddress::Unix(path.into())),
            (path, "stream") => Err(format!(
                "{text} asks for a stream, which could not be written without waiting; write unix://{path} for datagrams"
            )),
            (_, kind) => Err(format!("{text} ends in #{kind}; write #dgram or nothing")),
        };
    }
    if text.starts_with("tcp://") {
        return Err(format!(
            "{text} asks for TCP, which could not be written without waiting; use udp:// or unix://, or a local syslog \
             daemon that forwards by TCP"
        ));
    }
    let place = text.strip_prefix("udp://").ok_or_else(|| {
        format!("{text} is no address of a syslog daemon; write it as in unix:///dev/log or udp://HOST:514")
    })?;
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':').or(Some(""))),
            None => return Err(format!("{text} has a [ without its ]")),
        },
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => PORT,
        Some(port) => {
            super::parse::digits(port).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0).ok_or_else(
                || format!("{text} names no port from 1 to 65535; an IPv6 address is written as in udp://[::1]:514"),
            )?
        }
    };
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(SyslogAddress::Udp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp(host: &str, port: u16) -> SyslogAddress {
        SyslogAddress::Udp { host: host.to_owned(), port }
    }

    #[test]
    fn gunicorns_notations_are_read() {
        for (text, wanted) in [
            ("udp://localhost:514", udp("localhost", 514)),
            ("udp://logs", udp("logs", 514)),
            ("udp://", udp("localhost", 514)),
            ("udp://[::1]", udp("::1", 514)),
            ("udp://[::1]:1514", udp("::1", 1514)),
            ("unix:///dev/log", SyslogAddress::Unix("/dev/log".into())),
            ("unix:///dev/log#dgram", SyslogAddress::Unix("/dev/log".into())),
        ] {
            assert_eq!(parse_address(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_none_or_would_have_to_wait_is_refused_in_words() {
        for (text, words) in [
            ("/dev/log", "write it as in unix:///dev/log"),
            ("unix://", "names no path"),
            ("unix:///dev/log#stream", "write unix:///dev/log for datagrams"),
            ("unix:///dev/log#tcp", "ends in #tcp"),
            ("tcp://logs:601", "use udp:// or unix://"),
            ("udp://logs:", "names no port"),
            ("udp://logs:0", "names no port"),
            ("udp://logs:70000", "names no port"),
            ("udp://::1", "written as in udp://[::1]:514"),
            ("udp://[::1", "without its ]"),
            ("udp://[::1]514", "names no port"),
        ] {
            let told = parse_address(text).unwrap_err();
            assert!(told.contains(words), "{text}: {told}");
        }
    }

    #[test]
    fn facilities_have_their_numbers() {
        let told = ["kern", "user", "auth", "security", "authpriv", "local0", "local7"].map(facility);
        assert_eq!(told, [0, 1, 4, 4, 10, 16, 23]);
    }
}
