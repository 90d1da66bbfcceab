//! One listener: its sockets, and the file that a Unix socket has.

use super::bind::{Place, Speech};
use crate::sys::socket::SocketName;
use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
        Self { place, name, address, tls: false, sockets, file: RefCell::new(file.map(Rc::new)) }
    }

    /// The same listener for another load.
    pub(super) fn share(&self) -> Self {
        Self {
            tls: self.tls,
            place: self.place.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            sockets: self.sockets.clone(),
            file: self.file.clone(),
        }
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

    /// Lets go of the sockets and of the file, which is removed once no load has it any more. A file that another
    /// arbiter shares stays in our care: that one may be gone before we are, and then the removal is ours after all.
    pub(super) fn close(&self) {
        self.sockets.borrow_mut().clear();
        self.file.borrow_mut().take_if(|file| !file.is_shared());
    }
}

/// A socket in the file system that we made, known by more than its name. Removed when it is dropped, unless something
/// else is there by then, or another arbiter serves from it.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    shared: Cell<bool>,
}

impl SocketFile {
    /// The file that is there now. The path is kept absolute: the working directory may change.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let identity = identity(path)?;
        Some(Self { path: std::path::absolute(path).ok()?, identity, shared: Cell::new(false) })
    }

    /// The file that another arbiter made and serves from, if it is there still.
    pub(super) fn of_another(path: &Path, identity: (u64, u64)) -> Option<Self> {
        let file = Self::at(path).filter(|file| file.identity == identity)?;
        file.shared.set(true);
        Some(file)
    }

    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    fn is_shared(&self) -> bool {
        self.shared.get()
    }

    pub(super) fn set_shared(&self, shared: bool) {
        self.shared.set(shared);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if !self.shared.get() && identity(&self.path) == Some(self.identity) {
            // It may be gone already; nothing else can be wrong that would matter now.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let there = std::fs::symlink_metadata(path).ok()?;
    Some((there.dev(), there.ino()))
}
