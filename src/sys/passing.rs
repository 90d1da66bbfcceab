//! Messages with descriptors, between a process and one that it has forked.

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The most descriptors in a message, by Linux's own limit (SCM_MAX_FD).
pub const MOST: usize = 253;

/// Two ends; what is sent at one is received at the other, message by message.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends a message that is not empty, with copies of these descriptors.
pub fn send(socket: impl AsFd, message: &[u8], fds: &[RawFd]) -> io::Result<()> {
    let rights = [ControlMessage::ScmRights(fds)];
    let with = if fds.is_empty() { &[][..] } else { &rights[..] };
    sendmsg::<()>(socket.as_fd().as_raw_fd(), &[IoSlice::new(message)], with, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Waits for a message of at most `size` bytes; empty: the other end is gone.
pub fn receive(socket: impl AsFd, size: usize) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut buffer = vec![0; size];
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let (count, fds) = {
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let got = loop {
            match recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut slices, Some(&mut space), flags) {
                Err(nix::errno::Errno::EINTR) => {}
                got => break got?,
            }
        };
        let mut fds = Vec::new();
        for message in got.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = message {
                // SAFETY: the kernel has just opened them for us.
                fds.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
            }
        }
        (got.bytes, fds)
    };
    buffer.truncate(count);
    Ok((buffer, fds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};

    #[test]
    fn a_message_comes_whole_and_with_its_descriptors() {
        let (here, there) = pair().unwrap();
        let (read, write) = crate::sys::pipe::blocking().unwrap();
        send(&here, b"first", &[write.as_raw_fd()]).unwrap();
        send(&here, b"second", &[]).unwrap();
        drop((here, write));
        let (message, mut fds) = receive(&there, 100).unwrap();
        assert_eq!((&*message, fds.len()), (&b"first"[..], 1));
        File::from(fds.remove(0)).write_all(b"x").unwrap();
        let mut text = String::new();
        File::from(read).read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert_eq!(receive(&there, 100).unwrap().0, b"second");
        assert_eq!(receive(&there, 100).unwrap().0, b"", "the other end is gone");
    }
}
