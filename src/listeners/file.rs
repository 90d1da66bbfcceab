//! The files of Unix sockets: whose they are, and who removes them when.
//!
//! During an upgrade two arbiters serve from one file, and neither may remove it. Whichever is left alone in the end
//! inherits the duty, also for files that it had no use for itself.

use super::listener::Listener;
use std::cell::{Cell, RefCell};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Device and inode: what is known of a file besides its name.
type Identity = (u64, u64);

/// What this arbiter has let go of while others serve from it: another arbiter, or workers that leave it. One for all
/// loads.
#[derive(Debug, Default)]
pub struct Custody {
    /// Files that another arbiter may serve from.
    left: RefCell<Vec<(PathBuf, Identity)>>,
    /// TCP sockets that the workers leave.
    pub(super) left_sockets: RefCell<Vec<Listener>>,
}

impl Custody {
    /// There is no other arbiter any more: what it has left is removed.
    pub(super) fn settle(&self) {
        for (path, identity) in self.left.take() {
            remove(&path, identity);
        }
    }

    /// Another socket was made at this path. Its inode may be the former one's, so the path must not be remembered.
    fn forget(&self, path: &Path) {
        self.left.borrow_mut().retain(|(left, _)| left != path);
    }
}

/// A socket in the file system that we serve from, known by more than its name. Removed when it is dropped, unless
/// something else is there by then, or another arbiter serves from it: then it stays in custody.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: Identity,
    shared: Cell<bool>,
    custody: Rc<Custody>,
}

impl SocketFile {
    /// The file that we have just made. The path is kept absolute: the working directory may change.
    pub(super) fn made(path: &Path, custody: &Rc<Custody>) -> Option<Self> {
        let file = Self::at(path, custody)?;
        custody.forget(&file.path);
        Some(file)
    }

    /// The file that another arbiter made and serves from, if it is there still.
    pub(super) fn of_another(path: &Path, identity: Identity, custody: &Rc<Custody>) -> Option<Self> {
        let file = Self::at(path, custody).filter(|file| file.identity == identity)?;
        file.shared.set(true);
        Some(file)
    }

    fn at(path: &Path, custody: &Rc<Custody>) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let identity = identity(&path)?;
        Some(Self { path, identity, shared: Cell::new(false), custody: Rc::clone(custody) })
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether another arbiter serves from it too.
    pub(super) fn set_shared(&self, shared: bool) {
        self.shared.set(shared);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        if self.shared.get() {
            self.custody.left.borrow_mut().push((path, self.identity));
        } else {
            remove(&path, self.identity);
        }
    }
}

fn remove(path: &Path, known: Identity) {
    if identity(path) == Some(known) {
        // It may be gone already; nothing else can be wrong that would matter now.
        let _ = std::fs::remove_file(path);
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let there = std::fs::symlink_metadata(path).ok()?;
    Some((there.dev(), there.ino()))
}
