//! Messages to a syslog daemon: one datagram each, in the shape that Gunicorn (Python's `SysLogHandler`) sends.
//!
//! `<PRIORITY>TAG: [PID] text`: RFC 3164 with neither time nor host, which the daemon adds itself (4.3.2 there). Only
//! datagrams: a stream can stop in the middle of a message and would have to be waited for. Which lines are sent is
//! decided by `global` (the operator log) and `access::sink` (the access log).

use crate::abi::{SyslogOrders, SyslogTarget};
use crate::types::Level;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// The longest message, its beginning included: what common daemons take as they are delivered.
const LONGEST: usize = 8 * 1024;

/// The severity of an access line.
pub(super) const INFORMATIONAL: u8 = 6;

/// A socket to send from. It is never connected, so a daemon that is restarted is found again.
pub(super) struct Syslog<'a> {
    orders: &'a SyslogOrders,
    socket: Socket<'a>,
    message: Vec<u8>,
}

enum Socket<'a> {
    Unix(UnixDatagram, &'a Path),
    Udp(UdpSocket, SocketAddr),
}

impl<'a> Syslog<'a> {
    /// A socket that waits for a slow daemon for `patience` at most, or not at all.
    pub(super) fn open(orders: &'a SyslogOrders, patience: Option<Duration>) -> io::Result<Self> {
        let socket = match &orders.target {
            SyslogTarget::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(patience.is_none())?;
                socket.set_write_timeout(patience)?;
                Socket::Unix(socket, path)
            }
            SyslogTarget::Udp(address) => {
                let any: IpAddr = match address {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0))?;
                socket.set_nonblocking(patience.is_none())?;
                socket.set_write_timeout(patience)?;
                Socket::Udp(socket, *address)
            }
        };
        Ok(Self { orders, socket, message: Vec::with_capacity(512) })
    }

    /// Sends one line of text. What is too long is cut, between two characters.
    pub(super) fn send(&mut self, severity: u8, pid: u32, text: &[u8]) -> io::Result<()> {
        let priority = u32::from(self.orders.facility) * 8 + u32::from(severity);
        self.message.clear();
        self.message.extend_from_slice(format!("<{priority}>{}: [{pid}] ", self.orders.tag).as_bytes());
        let room = LONGEST.saturating_sub(self.message.len());
        self.message.extend_from_slice(cut(text, room));
        match &self.socket {
            Socket::Unix(socket, path) => socket.send_to(&self.message, path)?,
            Socket::Udp(socket, address) => socket.send_to(&self.message, address)?,
        };
        Ok(())
    }
}

/// Sends a message of the operator log without waiting, each of its lines for itself. The socket lives as long as the
/// message: such lines are rare, and there is nothing that a fork could inherit or a restart could break.
pub(super) fn tell(orders: &SyslogOrders, level: Level, pid: u32, text: &str) -> io::Result<()> {
    let mut syslog = Syslog::open(orders, None)?;
    text.lines().try_for_each(|line| syslog.send(severity(level), pid, line.as_bytes()))
}

/// RFC 5424, 6.2.1, as Python's `SysLogHandler` maps the levels.
fn severity(level: Level) -> u8 {
    match level {
        Level::Critical => 2,
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => INFORMATIONAL,
        Level::Trace | Level::Debug => 7,
    }
}

/// The first bytes of a text, without a part of a character at the end.
fn cut(text: &[u8], room: usize) -> &[u8] {
    let Some(mut end) = (text.len() > room).then_some(room) else { return text };
    while end > 0 && text[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(target: SyslogTarget) -> SyslogOrders {
        SyslogOrders { target, facility: 16, tag: "rustcorn.shop.error".into() }
    }

    fn heard(server: &UnixDatagram) -> String {
        let mut buffer = [0; 2 * LONGEST];
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let count = server.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    #[test]
    fn a_message_is_gunicorns_and_every_line_is_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        let server = UnixDatagram::bind(&path).unwrap();
        tell(&orders(SyslogTarget::Unix(path)), Level::Error, 7, "one\n  two").unwrap();
        assert_eq!(heard(&server), "<131>rustcorn.shop.error: [7] one");
        assert_eq!(heard(&server), "<131>rustcorn.shop.error: [7]   two");
    }

    #[test]
    fn udp_of_both_families_is_spoken() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(server) = UdpSocket::bind(host) else { continue };
            server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let target = SyslogTarget::Udp(server.local_addr().unwrap());
            tell(&orders(target), Level::Critical, 1, "x").unwrap();
            let mut buffer = [0; 64];
            let count = server.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..count], b"<130>rustcorn.shop.error: [1] x");
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        let server = UnixDatagram::bind(&path).unwrap();
        tell(&orders(SyslogTarget::Unix(path)), Level::Debug, 1, &"\u{e4}".repeat(LONGEST)).unwrap();
        let line = heard(&server);
        assert!(line.len() <= LONGEST && line.len() > LONGEST - 2 && line.ends_with('\u{e4}'), "{}", line.len());
    }

    #[test]
    fn a_daemon_that_does_not_read_or_is_not_there_is_an_error_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        let orders = orders(SyslogTarget::Unix(path.clone()));
        assert!(tell(&orders, Level::Info, 1, "nobody is there").is_err());
        let _server = UnixDatagram::bind(&path).unwrap();
        let begun = std::time::Instant::now();
        let full = (0..100_000).find_map(|_| tell(&orders, Level::Info, 1, "x").err()).unwrap();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
