//! Opening a TCP socket, also beside sockets of ours whose addresses it includes, or that include its own.
//!
//! Linux lets two listening sockets overlap (0.0.0.0:80 and 127.0.0.1:80) only if both have `SO_REUSEPORT`; a connection
//! then goes to the one whose address fits best. A reload that widens a bind makes use of it: the narrower socket is
//! kept beside the new one, with the connections that wait in it. For the reverse, and for how it ends, see `narrow`.

use super::bind::{Bind, Place};
use super::error::{ListenError, refuse, tcp_failure};
use super::listener::Listener;
use super::open::Options;
use crate::sys::socket::{self, SocketName, TcpOptions};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;

/// Opens a socket, perhaps beside `spare`, sockets of ours that are in no bind any more. Whether it overlaps with one of
/// them for now.
pub(super) fn open(
    address: SocketAddr,
    binds: &[Bind],
    options: &Options,
    spare: &[&Listener],
) -> io::Result<(OwnedFd, bool)> {
    // [::] would take the IPv4 port with it, if the system is so configured, and a bind for that would fail.
    let only_v6 = address.is_ipv6() && binds.iter().any(|other| is_v4(other.place(), address.port()));
    let Options { backlog, reuse_port, .. } = *options;
    let plain = TcpOptions { backlog, reuse_port, first: true, only_v6, dormant: false };
    let name = SocketName::Tcp(address);
    let is_wider = |other: &Listener| replaces(other, &name);
    let beside: Vec<_> =
        spare.iter().filter(|other| is_wider(other) || includes(&address, only_v6, &other.address)).collect();
    if beside.is_empty() {
        return Ok((socket::tcp_listener(address, plain)?, false));
    }
    beside.iter().try_for_each(|other| other.overlap())?;
    let dormant = beside.iter().any(|other| is_wider(other) && !other.is_dormant());
    let socket = socket::tcp_listener(address, TcpOptions { reuse_port: true, first: false, dormant, ..plain })?;
    Ok((socket, !reuse_port))
}

/// The address of a host. Of a name that has several, an IPv4 one: `localhost` is 127.0.0.1, as in Gunicorn.
pub(super) fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let found = (host, port).to_socket_addrs();
    let found: Vec<_> = found.map_err(|error| format!("the host {host:?} cannot be resolved: {error}"))?.collect();
    let best = found.iter().find(|address| address.is_ipv4()).or(found.first());
    best.copied().ok_or_else(|| format!("the host {host:?} has no address"))
}

fn is_v4(place: &Place, wanted: u16) -> bool {
    match place {
        Place::Tcp { host, port } if *port == wanted => resolve(host, *port).is_ok_and(|address| address.is_ipv4()),
        _ => false,
    }
}

/// Whether a socket at `wide` takes every connection that one at `narrow` would.
fn includes(wide: &SocketAddr, only_v6: bool, narrow: &SocketName) -> bool {
    let SocketName::Tcp(narrow) = narrow else { return false };
    let same_kind = wide.is_ipv4() == narrow.is_ipv4() || wide.is_ipv6() && !only_v6;
    wide == narrow || wide.ip().is_unspecified() && wide.port() == narrow.port() && same_kind
}

/// Whether `listener` takes every connection that a socket at `other` would.
pub(super) fn replaces(listener: &Listener, other: &SocketName) -> bool {
    let SocketName::Tcp(wide) = &listener.address else { return false };
    includes(wide, listener.is_only_v6(), other)
}

/// The sentence for a bind that failed, with the listeners of ours: those that stay, and those that are spare. If we are
/// in our own way, "another process" would mislead.
pub(super) fn failure<'a>(
    error: &io::Error,
    bind: &Bind,
    address: SocketAddr,
    staying: impl IntoIterator<Item = &'a Listener>,
    spare: &[&Listener],
) -> ListenError {
    let name = SocketName::Tcp(address);
    let overlaps = |open: &&Listener| replaces(open, &name) || includes(&address, false, &open.address);
    let why = if error.kind() != io::ErrorKind::AddrInUse {
        tcp_failure(error, address.port())
    } else if let Some(open) = staying.into_iter().find(overlaps) {
        in_common(open)
    } else if let Some(open) = spare.iter().find(|spare| replaces(spare, &name)) {
        let open = &open.name;
        format!(
            "this server listens on {open}, which includes it; the two can overlap only if one user opens both, so that \
             takes a restart"
        )
    } else {
        tcp_failure(error, address.port())
    };
    refuse(&bind.to_string(), why)
}

/// Why a bind beside this one cannot be had.
pub(super) fn in_common(open: &Listener) -> String {
    format!("the bind {} has addresses in common with it; leave one of the two out", open.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_includes_its_family_and_a_dual_one_both() {
        let includes = |wide: &str, only_v6, narrow: &str| {
            includes(&wide.parse().unwrap(), only_v6, &SocketName::Tcp(narrow.parse().unwrap()))
        };
        for (wide, narrow) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("[::]:80", "10.0.0.1:80"),
            ("[::]:80", "0.0.0.0:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert!(includes(wide, false, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("0.0.0.0:80", "127.0.0.1:81"),
            ("0.0.0.0:80", "[::1]:80"),
            ("127.0.0.1:80", "0.0.0.0:80"),
            ("127.0.0.1:80", "127.0.0.2:80"),
        ] {
            assert!(!includes(wide, false, narrow), "{wide} {narrow}");
        }
        assert!(!includes("[::]:80", true, "10.0.0.1:80") && includes("[::]:80", true, "[::1]:80"));
    }
}
