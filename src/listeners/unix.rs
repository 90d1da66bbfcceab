//! Opening a Unix socket: at a free path, or at one where a dead server's socket lies.

use super::error::{ListenError, refuse, unix_failure};
use super::open::Options;
use crate::sys::{privileges, socket};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(super) fn open(name: &str, path: &Path, options: &Options) -> Result<OwnedFd, ListenError> {
    // From the look at what is there until we listen: two starts at one dead socket would each take the other's for it.
    let lock = Lock::take(path).map_err(|error| refuse(name, unix_failure(&error, path)))?;
    let Some(_lock) = lock else {
        return Err(refuse(name, "another process is about to listen on it; stop that one or choose another path"));
    };
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

/// The right to open the socket at a path: a locked file beside it, which goes with the lock.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// None: somebody else has it.
    fn take(socket: &Path) -> io::Result<Option<Self>> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        // Never through a link, and never waiting for what else may be there.
        let flags = crate::sys::fd::NONBLOCK | crate::sys::fd::NOFOLLOW;
        let how = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).clone();
        let file = how.open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who had it before may have removed it since: then another file is the lock now.
        let same = path.symlink_metadata().is_ok_and(|there| there.ino() == file.metadata().map_or(0, |own| own.ino()));
        Ok(same.then_some(Self { path, _file: file }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked: nobody takes a file for the lock that is none any more.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_opens_a_path_at_a_time_and_nothing_stays_behind() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("web.sock");
        let held = Lock::take(&path).unwrap().expect("free");
        assert!(Lock::take(&path).unwrap().is_none());
        let options = Options {
            backlog: 8,
            reuse_port: false,
            lanes: 1,
            umask: 0,
            owner: privileges::Owner::default(),
            certificates: false,
        };
        let refusal = open("unix:web.sock", &path, &options).unwrap_err().to_string();
        assert!(refusal.contains("another process is about to listen on it") && !path.exists(), "{refusal}");
        drop(held);
        drop(open("unix:web.sock", &path, &options).unwrap());
        // A dead one's socket, and a lock that nobody holds.
        std::fs::write(home.path().join("web.sock.lock"), "").unwrap();
        let _listening = open("unix:web.sock", &path, &options).unwrap();
        let refusal = open("unix:web.sock", &path, &options).unwrap_err().to_string();
        assert!(refusal.contains("another process listens on it"), "{refusal}");
        let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["web.sock"]);
    }

    #[test]
    fn a_link_is_no_lock() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("web.sock");
        let link = home.path().join("web.sock.lock");
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &link).unwrap();
        assert!(Lock::take(&path).is_err() && !home.path().join("elsewhere").exists(), "never through a link");
    }
}
