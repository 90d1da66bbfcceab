//! Why a bind cannot be had: one sentence each, which says which bind, why, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A listener that could not be opened or taken over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// It was written in no known form.
    #[error("cannot listen on {bind:?}: {why}")]
    Syntax {
        /// As it was written.
        bind: String,
        /// What is wrong with it.
        why: String,
    },
    /// Everything else.
    #[error("cannot listen on {bind}: {why}")]
    Refused {
        /// As it was written.
        bind: String,
        /// Why, and what to do.
        why: String,
    },
    /// What another process passed to us is not what it should be.
    #[error("cannot take over the sockets of {from}: {why}")]
    Inheritance {
        /// Who passed them.
        from: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// For everything but the way it is written.
pub fn refuse(bind: &str, why: impl Into<String>) -> ListenError {
    ListenError::Refused { bind: bind.to_owned(), why: why.into() }
}

/// Below this, Linux wants a privilege (unless net.ipv4.ip_unprivileged_port_start says otherwise).
const PRIVILEGED: u16 = 1024;

/// Why a TCP bind failed.
pub fn tcp_failure(error: &io::Error, port: u16) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use by another process; stop that one or choose another --bind".into()
        }
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has this address".into(),
        io::ErrorKind::PermissionDenied if port < PRIVILEGED => {
            format!("ports below {PRIVILEGED} need root or CAP_NET_BIND_SERVICE")
        }
        _ => error.to_string(),
    }
}

/// Why a Unix bind failed.
pub fn unix_failure(error: &io::Error, path: &Path) -> String {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Into::into);
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("the directory {folder} does not exist"),
        io::ErrorKind::NotADirectory => format!("{folder} is not a directory"),
        io::ErrorKind::PermissionDenied => format!("the directory {folder} is not writable for this user"),
        io::ErrorKind::ReadOnlyFilesystem => format!("the directory {folder} is on a read-only file system"),
        io::ErrorKind::AddrInUse => "the file was just created by another process".into(),
        io::ErrorKind::InvalidInput => "the path is too long for a socket; 107 bytes are the most".into(),
        _ => error.to_string(),
    }
}
