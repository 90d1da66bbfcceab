//! From a file to a socket, without a copy in this process.

use nix::sys::sendfile::sendfile64;
use std::io;
use std::os::fd::AsFd;

/// Sends at most `count` bytes of the file, from `offset` on, whatever its own offset is. Zero: it ends there.
///
/// # Errors
/// `WouldBlock` when the socket takes nothing at the moment.
pub fn send(socket: &impl AsFd, file: &impl AsFd, offset: u64, count: usize) -> io::Result<usize> {
    let mut offset = i64::try_from(offset).map_err(io::Error::other)?;
    Ok(sendfile64(socket, file, Some(&mut offset), count)?)
}
