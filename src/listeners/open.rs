//! Opening binds: all of them or none, and those that are open already are kept with their accept queues.

use super::bind::{Bind, Place, Speech};
use super::error::{ListenError, tcp_failure, unix_failure};
use super::listener::{Listener, SocketFile};
use crate::sys::privileges::{self, Owner};
use crate::sys::socket::{self, SocketName, TcpOptions};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::rc::Rc;

/// How to open.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many connections may wait to be accepted.
    pub backlog: i32,
    /// One socket per lane instead of one.
    pub reuse_port: bool,
    /// How many lanes.
    pub lanes: u16,
    /// Which permissions a Unix socket does not get.
    pub umask: u32,
    /// Whom a Unix socket is given to.
    pub owner: Owner,
    /// There are certificates to speak TLS with.
    pub certificates: bool,
}

/// The listeners of one load; loads share what they have in common.
#[derive(Debug)]
pub struct Listeners {
    pub(super) all: Vec<Listener>,
    /// systemd opened them: what the settings say about binds does not count.
    pub(super) activated: bool,
}

impl Listeners {
    /// Opens `binds`. Those that are open in `keep` are shared, with whatever waits in their accept queues; nothing
    /// stays behind if one fails. What systemd opened is all there is: then `binds` is not looked at.
    ///
    /// # Errors
    /// The first bind that cannot be had.
    pub fn open(binds: &[Bind], options: &Options, keep: Option<&Self>) -> Result<Self, ListenError> {
        if let Some(activated) = keep.filter(|keep| keep.activated) {
            let share = |listener: &Listener| listener.share().speaking(Speech::Default, options.certificates);
            return Ok(Self { all: activated.iter().map(share).collect(), activated: true });
        }
        // Each can be kept once: two binds to port 0 are two ports.
        let mut open: Vec<&Listener> = keep.into_iter().flat_map(Self::iter).collect();
        let mut all = Vec::with_capacity(binds.len());
        for bind in binds {
            let kept = open.iter().position(|listener| listener.place == *bind.place());
            let listener = match kept.map(|index| open.remove(index)) {
                Some(listener) => Listener { name: bind.to_string(), ..listener.share() },
                None => open_one(bind, binds, options, keep.is_some()).map_err(|error| hint(error, bind, keep))?,
            };
            all.push(listener.speaking(bind.speech(), options.certificates));
        }
        for listener in &all {
            listener.add_lanes(options)?;
        }
        for listener in all.iter().filter(|listener| !matches!(listener.place, Place::Fd(_))) {
            for socket in listener.sockets() {
                // Of a socket that listens, the kernel takes any number.
                let _ = socket::set_backlog(&socket, options.backlog);
            }
        }
        Ok(Self { all, activated: false })
    }

    /// Each of them, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter()
    }

    /// Closes the arbiter's sockets; the workers keep theirs.
    pub fn close(&self) {
        self.all.iter().for_each(Listener::close);
    }

    /// Whether the files of Unix sockets stay when their listeners close: another arbiter serves from them.
    pub fn keep_paths(&self, keep: bool) {
        for file in self.all.iter().filter_map(|listener| listener.file.borrow().clone()) {
            file.set_shared(keep);
        }
    }
}

impl Listener {
    /// The lanes that are missing. Lanes that are too many stay: connections may wait in them.
    fn add_lanes(&self, options: &Options) -> Result<(), ListenError> {
        let (SocketName::Tcp(address), Place::Tcp { .. }) = (&self.address, &self.place) else { return Ok(()) };
        let mut sockets = self.sockets.borrow_mut();
        let Some(first) = sockets.first().cloned() else { return Ok(()) };
        while options.reuse_port && sockets.len() < usize::from(options.lanes) {
            let lane = TcpOptions {
                backlog: options.backlog,
                reuse_port: true,
                first: false,
                only_v6: socket::is_only_v6(&first),
            };
            // The first may be from a time without lanes.
            let opened = socket::set_reuse_port(&first, true).and_then(|()| socket::tcp_listener(*address, lane));
            sockets.push(Rc::new(opened.map_err(|error| refuse(&self.name, tcp_failure(&error, address.port())))?));
        }
        Ok(())
    }
}

pub(super) fn refuse(bind: &str, why: impl Into<String>) -> ListenError {
    ListenError::Refused { bind: bind.to_owned(), why: why.into() }
}

/// If we are in our own way, "another process" would mislead.
fn hint(error: ListenError, bind: &Bind, keep: Option<&Listeners>) -> ListenError {
    let Place::Tcp { port, .. } = bind.place() else { return error };
    let ours = |listener: &&Listener| matches!(listener.address, SocketName::Tcp(open) if open.port() == *port);
    match keep.into_iter().flat_map(Listeners::iter).find(ours) {
        Some(open) => refuse(
            &bind.to_string(),
            format!("this server still listens on {}, which has the same port; that needs a restart", open.name),
        ),
        None => error,
    }
}

fn open_one(bind: &Bind, binds: &[Bind], options: &Options, at_reload: bool) -> Result<Listener, ListenError> {
    let name = bind.to_string();
    let (socket, file) = match bind.place() {
        Place::Tcp { host, port } => (open_tcp(&name, host, *port, binds, options)?, None),
        Place::Unix(path) => {
            let socket = open_unix(&name, path, options)?;
            (socket, SocketFile::at(path))
        }
        Place::Fd(_) if at_reload => {
            return Err(refuse(&name, "an inherited socket can be taken over at a start only"));
        }
        Place::Fd(number) => {
            // Looked at before it is owned: whatever else has this number is not ours to close.
            let there = crate::sys::fd::borrow(*number).filter(|fd| socket::accepts_connections(fd));
            let adopted = there.and_then(|_| crate::sys::fd::adopt(*number).ok());
            let socket = adopted.ok_or_else(|| refuse(&name, "no listening socket was inherited under this number"))?;
            (socket, None)
        }
    };
    let unnamed = |error: io::Error| refuse(&name, format!("the socket has no usable address: {error}"));
    let address = socket::local_name(&socket).map_err(unnamed)?;
    crate::sys::fd::set_nonblocking(&socket).map_err(unnamed)?;
    Ok(Listener::new(bind.place().clone(), name, address, vec![socket], file))
}

fn open_tcp(name: &str, host: &str, port: u16, binds: &[Bind], options: &Options) -> Result<OwnedFd, ListenError> {
    let address = resolve(host, port).map_err(|why| refuse(name, why))?;
    // [::] would take the IPv4 port with it, if the system is so configured, and a bind for that would fail.
    let only_v6 = address.is_ipv6() && binds.iter().any(|other| is_v4(other.place(), port));
    let first = TcpOptions { backlog: options.backlog, reuse_port: options.reuse_port, first: true, only_v6 };
    socket::tcp_listener(address, first).map_err(|error| refuse(name, tcp_failure(&error, port)))
}

/// The address of a host. Of a name that has several, an IPv4 one: `localhost` is 127.0.0.1, as in Gunicorn.
fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
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

fn open_unix(name: &str, path: &Path, options: &Options) -> Result<OwnedFd, ListenError> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            return Err(refuse(name, "the file is there and is not a socket; remove it or choose another path"));
        }
        Ok(_) if socket::someone_listens(path) => {
            return Err(refuse(name, "another process listens on it; stop that one or choose another path"));
        }
        // Left behind by a server that is gone.
        Ok(_) => std::fs::remove_file(path).map_err(|error| refuse(name, unix_failure(&error, path)))?,
        Err(_) => {}
    }
    let before = privileges::umask(options.umask);
    let opened = socket::unix_listener(path, options.backlog);
    privileges::umask(before);
    let socket = opened.map_err(|error| refuse(name, unix_failure(&error, path)))?;
    let given = privileges::give(path, options.owner);
    given.map_err(|error| {
        let _ = std::fs::remove_file(path);
        refuse(name, format!("the socket cannot be given to the user of the workers: {error}"))
    })?;
    Ok(socket)
}
