//! Opening binds: all of them or none, and those that are open already are kept with their accept queues.

use super::bind::{Bind, Place, Speech};
use super::error::{ListenError, refuse, tcp_failure};
use super::file::{Custody, SocketFile};
use super::listener::Listener;
use super::{narrow, tcp, unix};
use crate::sys::accepting;
use crate::sys::privileges::Owner;
use crate::sys::socket::{self, SocketName, TcpOptions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// How to open.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many connections may wait to be accepted.
    pub backlog: i32,
    /// One socket per lane instead of one.
    pub reuse_port: bool,
    /// How many lanes, unless those of before have some: then there are as many as they have.
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
    /// How many connections may wait in each.
    pub(super) backlog: i32,
    /// The same for all loads of this arbiter.
    pub(super) custody: Rc<Custody>,
}

impl Listeners {
    /// Opens `binds`. Those that are open in `keep`, the loads there are, the newest first, are shared, with whatever
    /// waits in their accept queues; nothing stays behind if one fails. What systemd opened is all there is: then
    /// `binds` is not looked at.
    ///
    /// # Errors
    /// The first bind that cannot be had.
    pub fn open(binds: &[Bind], options: &Options, keep: &[&Self]) -> Result<Self, ListenError> {
        let newest = keep.first();
        let custody = newest.map(|keep| Rc::clone(&keep.custody)).unwrap_or_default();
        if let Some(activated) = newest.filter(|keep| keep.activated) {
            let share = |listener: &Listener| listener.share().speaking(Speech::Default, options.certificates);
            return Ok(Self {
                all: activated.iter().map(share).collect(),
                activated: true,
                backlog: options.backlog,
                custody,
            });
        }
        // Each can be kept once: two binds to port 0 are two ports.
        let mut spare = distinct(keep);
        let claim = |bind: &Bind| {
            let kept = spare.iter().position(|listener| listener.place == *bind.place());
            kept.map(|index| spare.remove(index).share())
        };
        let all = binds.iter().map(claim).collect();
        let opening = Opening { binds, options, at_reload: !keep.is_empty(), custody: &custody, spare, all };
        let all = opening.complete()?;
        // In a lane that is new at a reload connections would wait until the new workers are there.
        let lanes = newest.and_then(|keep| keep.laid()).unwrap_or(usize::from(options.lanes));
        for listener in all.iter().filter(|listener| !listener.leaving) {
            listener.add_lanes(options, lanes)?;
            listener.keep_joinable(options).map_err(|error| refuse(&listener.name, error.to_string()))?;
        }
        for listener in all.iter().filter(|listener| !listener.passed) {
            for socket in listener.sockets().iter().filter(|socket| accepting::accepts_connections(socket)) {
                // Of a socket that listens, the kernel takes any number.
                let _ = accepting::listen(socket, options.backlog);
            }
        }
        Ok(Self { all, activated: false, backlog: options.backlog, custody })
    }

    /// Each of them, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter()
    }

    /// Those that are in a bind.
    pub fn lasting(&self) -> impl Iterator<Item = &Listener> {
        self.iter().filter(|listener| !listener.leaving)
    }

    /// How many lanes there are at most; 1 if there are none.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lasting().map(|listener| listener.sockets().len()).max().unwrap_or(0).max(1)
    }

    /// How many lanes were laid; none: these are from a time without lanes.
    fn laid(&self) -> Option<usize> {
        let first = |listener: &Listener| listener.sockets().first().is_some_and(socket::reuses_port);
        self.lasting().filter(|listener| !listener.overlaps.get()).any(first).then(|| self.lanes())
    }

    /// Closes the arbiter's sockets; the workers keep theirs.
    pub fn close(&self) {
        self.all.iter().for_each(Listener::close);
        self.custody.left_sockets.take();
    }

    /// Another arbiter serves from these now: the files of Unix sockets stay when the listeners close.
    pub fn share(&self) {
        self.set_shared(true);
        self.all.iter().for_each(Listener::may_overlap);
    }

    /// There is no other arbiter any more: the files go with the listeners again, and those that went before them go
    /// now.
    pub fn own_files(&self) {
        self.set_shared(false);
        self.custody.settle();
    }

    fn set_shared(&self, shared: bool) {
        for file in self.all.iter().filter_map(|listener| listener.file.borrow().clone()) {
            file.set_shared(shared);
        }
    }
}

impl Listener {
    /// The lanes that are missing. Lanes that are too many stay: connections may wait in them.
    fn add_lanes(&self, options: &Options, lanes: usize) -> Result<(), ListenError> {
        let (SocketName::Tcp(address), false) = (&self.address, self.passed) else { return Ok(()) };
        let mut sockets = self.sockets.borrow_mut();
        let Some(first) = sockets.first().cloned() else { return Ok(()) };
        while options.reuse_port && sockets.len() < lanes {
            let lane = TcpOptions {
                backlog: options.backlog,
                reuse_port: true,
                first: false,
                only_v6: socket::is_only_v6(&first),
                dormant: !accepting::accepts_connections(&first),
            };
            // The first may be from a time without lanes.
            let opened = socket::set_reuse_port(&first, true).and_then(|()| socket::tcp_listener(*address, lane));
            sockets.push(Rc::new(opened.map_err(|error| refuse(&self.name, tcp_failure(&error, address.port())))?));
        }
        Ok(())
    }

    /// Lanes are joined for good, wherever they come from: without the option, Linux gives all connections to one of them.
    fn keep_joinable(&self, options: &Options) -> io::Result<()> {
        if options.reuse_port && !self.passed && matches!(self.place, Place::Tcp { .. }) {
            self.overlaps.set(false);
            self.sockets().iter().try_for_each(|lane| socket::set_reuse_port(lane, true))?;
        }
        Ok(())
    }
}

/// Every open listener once, though loads share them.
fn distinct<'a>(loads: &[&'a Listeners]) -> Vec<&'a Listener> {
    let mut found: Vec<&Listener> = Vec::new();
    for listener in loads.iter().flat_map(|load| load.iter()) {
        if !found.iter().any(|known| known.is_same(listener)) {
            found.push(listener);
        }
    }
    found
}

/// The opening of one load's listeners, under way.
struct Opening<'a> {
    binds: &'a [Bind],
    options: &'a Options,
    at_reload: bool,
    custody: &'a Rc<Custody>,
    /// Of the loads before, and in no bind any more.
    spare: Vec<&'a Listener>,
    /// For each bind; none: not open yet.
    all: Vec<Option<Listener>>,
}

impl Opening<'_> {
    fn complete(mut self) -> Result<Vec<Listener>, ListenError> {
        for (index, bind) in self.binds.iter().enumerate() {
            if self.all[index].is_none() {
                self.all[index] = Some(self.open(bind)?);
            }
        }
        self.refuse_overlaps()?;
        let spoken = self.all.into_iter().flatten().zip(self.binds);
        let mut all: Vec<_> =
            spoken.map(|(listener, bind)| listener.speaking(bind.speech(), self.options.certificates)).collect();
        let staying = self.spare.iter().filter_map(|spare| narrow::keep_beside(spare, &all, self.options.certificates));
        let staying: Vec<_> = staying.collect();
        all.extend(staying);
        Ok(all)
    }

    /// What a start refuses is refused by a reload, too, where sockets of before can hide it from the kernel.
    fn refuse_overlaps(&self) -> Result<(), ListenError> {
        if self.options.reuse_port {
            return Ok(());
        }
        // Of sockets that others have opened the kernel has been the judge.
        let is_ours = |listener: &&Listener| !listener.passed;
        let open: Vec<&Listener> = self.all.iter().flatten().filter(is_ours).collect();
        for (index, listener) in open.iter().enumerate() {
            let others = open.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
            if let Some(wider) = others.copied().find(|other| tcp::replaces(other, &listener.address)) {
                return Err(refuse(&listener.name, tcp::in_common(wider)));
            }
        }
        Ok(())
    }

    fn open(&mut self, bind: &Bind) -> Result<Listener, ListenError> {
        let name = bind.to_string();
        let mut overlaps = false;
        let (socket, file) = match bind.place() {
            Place::Tcp { host, port } => {
                let address = tcp::resolve(host, *port).map_err(|why| refuse(&name, why))?;
                // The same by another name.
                if let Some(same) = self.spare.iter().position(|spare| spare.address == SocketName::Tcp(address)) {
                    return Ok(self.spare.remove(same).share_as(bind));
                }
                let socket;
                (socket, overlaps) = self.open_tcp(bind, address)?;
                (socket, None)
            }
            Place::Unix(path) => {
                let socket = unix::open(&name, path, self.options)?;
                (socket, SocketFile::made(path, self.custody))
            }
            Place::Fd(_) if self.at_reload => {
                return Err(refuse(&name, "an inherited socket can be taken over at a start only"));
            }
            Place::Fd(number) => {
                // Looked at before it is owned: whatever else has this number is not ours to close.
                let there = crate::sys::fd::borrow(*number).filter(|fd| accepting::accepts_connections(fd));
                let adopted = there.and_then(|_| crate::sys::fd::adopt(*number).ok());
                let missing = || refuse(&name, "no listening socket was inherited under this number");
                (adopted.ok_or_else(missing)?, None)
            }
        };
        let unnamed = |error: io::Error| refuse(&name, format!("the socket has no usable address: {error}"));
        let address = socket::local_name(&socket).map_err(unnamed)?;
        crate::sys::fd::set_nonblocking(&socket).map_err(unnamed)?;
        let listener = Listener::new(bind.place().clone(), name, address, vec![socket], file);
        listener.overlaps.set(overlaps);
        Ok(Listener { passed: matches!(bind.place(), Place::Fd(_)), ..listener })
    }

    fn open_tcp(&self, bind: &Bind, address: SocketAddr) -> Result<(OwnedFd, bool), ListenError> {
        let opened = tcp::open(address, self.binds, self.options, &self.spare);
        opened.map_err(|error| tcp::failure(&error, bind, address, self.all.iter().flatten(), &self.spare))
    }
}
