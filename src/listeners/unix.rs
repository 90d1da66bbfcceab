//! Opening a Unix socket: at a free path, or at one where a dead server's socket lies.

use super::error::{ListenError, refuse, unix_failure};
use super::open::Options;
use crate::sys::{privileges, socket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

pub(super) fn open(name: &str, path: &Path, options: &Options) -> Result<OwnedFd, ListenError> {
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
