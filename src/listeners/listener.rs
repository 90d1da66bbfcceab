//! One listener: its sockets, and the file that a Unix socket has.

use super::bind::{Bind, Place, Speech};
use super::file::SocketFile;
use crate::sys::socket::{self, SocketName};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// A listening address, as one load has it. Loads that have it in common share its sockets and its file, but not the
/// list of its sockets: lanes that a load adds are gone with that load.
#[derive(Debug)]
pub struct Listener {
    /// What it was opened for.
    pub(super) place: Place,
    /// As it was written; how an upgrade and messages call it.
    pub(super) name: String,
    pub(super) address: SocketName,
    /// Whether its connections begin with a TLS handshake, in this load.
    pub(super) tls: bool,
    /// Somebody else has opened it for us, and may have it still.
    pub(super) passed: bool,
    /// In no bind of this load.
    pub(super) leaving: bool,
    /// Others of ours may overlap with it for now; the same for all loads.
    pub(super) overlaps: Rc<Cell<bool>>,
    /// One, or one for each lane of `reuse_port`.
    pub(super) sockets: RefCell<Vec<Rc<OwnedFd>>>,
    /// The file, if its removal is ours.
    pub(super) file: RefCell<Option<Rc<SocketFile>>>,
}

impl Listener {
    pub(super) fn new(
        place: Place,
        name: String,
        address: SocketName,
        sockets: Vec<OwnedFd>,
        file: Option<SocketFile>,
    ) -> Self {
        let sockets = RefCell::new(sockets.into_iter().map(Rc::new).collect());
        let file = RefCell::new(file.map(Rc::new));
        Self { place, name, address, tls: false, passed: false, leaving: false, overlaps: Rc::default(), sockets, file }
    }

    /// The same listener for another load, which may write it differently.
    pub(super) fn share_as(&self, bind: &Bind) -> Self {
        Self { place: bind.place().clone(), name: bind.to_string(), ..self.share() }
    }

    /// The same listener for another load.
    pub(super) fn share(&self) -> Self {
        Self {
            tls: self.tls,
            passed: self.passed,
            leaving: false,
            overlaps: Rc::clone(&self.overlaps),
            place: self.place.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            sockets: self.sockets.clone(),
            file: self.file.clone(),
        }
    }

    /// Whether both are the same sockets, perhaps of two loads.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.sockets.borrow(), other.sockets.borrow());
        ours.first().zip(theirs.first()).is_some_and(|(ours, theirs)| Rc::ptr_eq(ours, theirs))
    }

    /// Where it really listens: port 0 has become a port.
    #[must_use]
    pub fn address(&self) -> &SocketName {
        &self.address
    }

    /// The same listener, spoken to as it is said here.
    pub(super) fn speaking(mut self, speech: Speech, certificates: bool) -> Self {
        self.tls = speech.is_tls(certificates, matches!(self.address, SocketName::Tcp(_)));
        self
    }

    /// Whether its connections begin with a TLS handshake.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Its sockets; with more than one, each is a lane. None once it was closed.
    #[must_use]
    pub fn sockets(&self) -> Vec<Rc<OwnedFd>> {
        self.sockets.borrow().clone()
    }

    /// The address, if it is one of TCP.
    pub(super) fn tcp(&self) -> Option<SocketAddr> {
        match self.address {
            SocketName::Tcp(address) => Some(address),
            SocketName::Unix(_) => None,
        }
    }

    /// Whether it takes no connections by IPv4, though it is of IPv6.
    pub(super) fn is_only_v6(&self) -> bool {
        self.sockets.borrow().first().is_some_and(socket::is_only_v6)
    }

    /// As a client would write it.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.address {
            SocketName::Tcp(address) if self.tls => format!("https://{address}"),
            SocketName::Tcp(address) => format!("http://{address}"),
            SocketName::Unix(path) if self.tls => format!("https+unix:{}", path.display()),
            SocketName::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Lets go of the sockets and of the file, which is removed once no load has it any more.
    pub(super) fn close(&self) {
        self.sockets.borrow_mut().clear();
        self.file.borrow_mut().take();
    }
}
