//! One listener: its sockets, and the file that a Unix socket has.

use super::bind::Place;
use crate::sys::socket::SocketName;
use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A listening address. Closing it, or dropping it, removes the file of a Unix socket that it made.
#[derive(Debug)]
pub struct Listener {
    /// What it was opened for.
    pub(super) place: Place,
    /// As it was written; how an upgrade and messages call it.
    pub(super) name: String,
    pub(super) address: SocketName,
    /// One, or one for each lane of `reuse_port`.
    pub(super) sockets: RefCell<Vec<Rc<OwnedFd>>>,
    /// The file, if its removal is ours.
    pub(super) file: Option<SocketFile>,
    /// Another arbiter serves from the same file.
    pub(super) shared: Cell<bool>,
}

/// A socket in the file system, known by more than its name.
#[derive(Debug, PartialEq, Eq)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// The file that is there now. The path is kept absolute: the working directory may change.
    pub fn at(path: &Path) -> Option<Self> {
        let there = std::fs::symlink_metadata(path).ok()?;
        Some(Self { path: std::path::absolute(path).ok()?, device: there.dev(), inode: there.ino() })
    }
}

impl Listener {
    /// Where it really listens: port 0 has become a port.
    #[must_use]
    pub fn address(&self) -> &SocketName {
        &self.address
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
            SocketName::Tcp(address) => format!("http://{address}"),
            SocketName::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    pub(super) fn close(&self) {
        self.sockets.borrow_mut().clear();
        if let Some(file) = self.file.as_ref().filter(|_| !self.shared.get())
            && SocketFile::at(&file.path).as_ref() == Some(file)
        {
            // It may be gone already; nothing else can be wrong that would matter now.
            let _ = std::fs::remove_file(&file.path);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}
