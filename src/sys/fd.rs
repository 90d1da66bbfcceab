//! Descriptors in general: flags, adoption, closing. What is special to sockets is in `sys::socket`.

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `O_NONBLOCK`, for files that std opens: opening a pipe then waits for nobody.
pub(crate) const NONBLOCK: i32 = nix::libc::O_NONBLOCK;

/// `O_NOFOLLOW` likewise: a symbolic link is an error.
#[cfg(feature = "arbiter")]
pub(crate) const NOFOLLOW: i32 = nix::libc::O_NOFOLLOW;

/// Makes reads and writes return `WouldBlock` instead of waiting. The flag belongs to the open file, so every process
/// that shares it is concerned: never do this to an inherited stderr.
pub fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFL)?);
    if !flags.contains(OFlag::O_NONBLOCK) {
        fcntl(fd.as_fd(), FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    }
    Ok(())
}

/// Has standard output and standard error go to this file from now on.
pub(crate) fn send_output_to(file: impl AsFd) -> io::Result<()> {
    nix::unistd::dup2_stdout(file.as_fd())?;
    nix::unistd::dup2_stderr(file.as_fd())?;
    Ok(())
}

/// A directory, as a place to start from; being allowed to enter it is enough.
pub fn directory(path: &std::path::Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty())?)
}

/// Whether the descriptor disappears on exec.
pub fn set_cloexec(fd: impl AsFd, cloexec: bool) -> io::Result<()> {
    let mut flags = FdFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFD)?);
    flags.set(FdFlag::FD_CLOEXEC, cloexec);
    fcntl(fd.as_fd(), FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// Takes over a descriptor that this process was given by number (an environment variable, a command line, a seat).
/// It becomes close-on-exec. Fails with `EBADF` if no such descriptor is open.
///
/// The caller vouches that nobody else in this process owns the number: adopting one twice would close it twice.
/// Therefore not public, although the numbers' sources (see above) keep it from being `unsafe` within this crate.
pub(crate) fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::Error::from_raw_os_error(nix::libc::EBADF));
    }
    // SAFETY: only looked at by fcntl, which answers EBADF for a number that is not open.
    let looked_at = unsafe { BorrowedFd::borrow_raw(number) };
    set_cloexec(looked_at, true)?;
    // SAFETY: it is open, as fcntl has just shown, and the caller says that it is ours.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Takes over a descriptor of a seat: as [`adopt`] does, but a standard stream stays where it is, for the application
/// too, and what comes back is a second descriptor of it.
pub(crate) fn inherit(number: RawFd) -> io::Result<OwnedFd> {
    match borrow(number) {
        Some(standard) if number <= 2 => standard.try_clone_to_owned(),
        _ => adopt(number),
    }
}

/// Borrows a descriptor by number without a check: using one that is closed gives `EBADF`, nothing worse, since every
/// use in this crate is a system call that names the number. Nobody else may use it, so it is not public.
#[must_use]
pub(crate) fn borrow<'a>(number: RawFd) -> Option<BorrowedFd<'a>> {
    // SAFETY: the number is not -1, which is all that BorrowedFd's layout relies on; see above for a closed one.
    (number >= 0).then(|| unsafe { BorrowedFd::borrow_raw(number) })
}

/// A second descriptor of whatever is open under this number, which stays its owner's.
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    borrow(number).ok_or_else(|| io::Error::from_raw_os_error(nix::libc::EBADF))?.try_clone_to_owned()
}

/// Closes every descriptor from 3 upwards that is not in `keep`. For a fresh child that must not hold its parent's
/// pipes and its siblings' sockets open.
///
/// The `OwnedFd`s behind the closed numbers must never be dropped in this process: only a child that leaves by
/// `_exit` may call this.
pub fn close_all_except(keep: &[RawFd]) {
    let mut keep: Vec<u32> = keep.iter().filter_map(|fd| u32::try_from(*fd).ok()).filter(|fd| *fd > 2).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first = 3;
    for kept in keep {
        if kept > first {
            close_range(first, kept - 1);
        }
        first = kept + 1;
    }
    close_range(first, u32::MAX);
}

/// Closes one number, under the same promise.
pub fn close_number(fd: RawFd) {
    if let Ok(fd) = u32::try_from(fd) {
        close_range(fd, fd);
    }
}

fn close_range(first: u32, last: u32) {
    // SAFETY: closes numbers; the caller has promised that no owner of one of them is used or dropped any more.
    let result = unsafe { nix::libc::syscall(nix::libc::SYS_close_range, first, last, 0) };
    // A kernel before 5.9, or a seccomp filter that does not know the call.
    if result != 0 {
        close_one_by_one(first, last);
    }
}

fn close_one_by_one(first: u32, last: u32) {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let open: Vec<u32> = numbers.filter(|number| (first..=last).contains(number)).collect();
    for number in open.into_iter().filter_map(|number| RawFd::try_from(number).ok()) {
        // SAFETY: as in close_range; the directory's own descriptor is in the list, gone already: EBADF.
        unsafe { nix::libc::close(number) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{pipe, testkit};
    use std::os::fd::AsRawFd;

    fn is_cloexec(fd: impl AsFd) -> bool {
        let flags = fcntl(fd.as_fd(), FcntlArg::F_GETFD).unwrap();
        FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC)
    }

    #[test]
    fn adopt_refuses_what_is_not_open() {
        assert_eq!(adopt(-1).unwrap_err().raw_os_error(), Some(nix::libc::EBADF));
        assert_eq!(adopt(1_000_000).unwrap_err().raw_os_error(), Some(nix::libc::EBADF));
    }

    #[test]
    fn a_standard_stream_is_inherited_as_a_second_descriptor() {
        let second = inherit(2).unwrap();
        assert!(second.as_raw_fd() > 2 && is_cloexec(&second));
        assert_eq!(inherit(-1).unwrap_err().raw_os_error(), Some(nix::libc::EBADF));
    }

    #[test]
    fn adopt_takes_over_and_sets_cloexec() {
        let (read, _write) = pipe::blocking().unwrap();
        set_cloexec(&read, false).unwrap();
        let number = std::os::fd::IntoRawFd::into_raw_fd(read);
        let adopted = adopt(number).unwrap();
        assert_eq!(adopted.as_raw_fd(), number);
        assert!(is_cloexec(&adopted));
    }

    #[test]
    fn close_all_except_keeps_what_was_named() {
        testkit::in_fork(|| {
            let (read, write) = pipe::blocking().unwrap();
            let (gone, gone_too) = pipe::blocking().unwrap();
            close_all_except(&[write.as_raw_fd(), read.as_raw_fd(), 1]);
            let open = |fd: RawFd| fcntl(borrow(fd).unwrap(), FcntlArg::F_GETFD).is_ok();
            assert!(open(read.as_raw_fd()) && open(write.as_raw_fd()));
            assert!(!open(gone.as_raw_fd()) && !open(gone_too.as_raw_fd()));
            std::mem::forget((gone, gone_too));
        });
    }

    #[test]
    fn closing_one_by_one_does_the_same() {
        testkit::in_fork(|| {
            let (read, write) = pipe::blocking().unwrap();
            let first = u32::try_from(write.as_raw_fd()).unwrap();
            close_one_by_one(first, first);
            assert!(fcntl(&read, FcntlArg::F_GETFD).is_ok());
            assert!(fcntl(&write, FcntlArg::F_GETFD).is_err());
            std::mem::forget(write);
        });
    }
}
