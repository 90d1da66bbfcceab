//! Files in memory: copies that no later change on disk can reach, and one that one process writes and others read.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, fchmod};
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsRawFd, OwnedFd};

/// A copy of the whole file in memory, which can be mapped as code and cannot be changed any more. `name` is what
/// `/proc` shows for it.
///
/// Where the system forbids executable memory files, the copy is an unnamed file in the temporary directory, of which
/// only a read-only descriptor remains. Either way it is gone with its last descriptor.
pub fn copy_of(file: &File, name: &str) -> io::Result<OwnedFd> {
    match memory_file(name) {
        Ok(copy) => {
            fill(&copy, file)?;
            seal(&copy)?;
            Ok(copy.into())
        }
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOSYS) => unnamed_copy(file),
        Err(errno) => Err(errno.into()),
    }
}

/// From now on nobody can write to it.
///
/// `F_SEAL_WRITE` would be the obvious seal, but the kernel refuses it (EBUSY) while it holds a page of the file itself,
/// as it does now and then when it moves memory about. There is no writable mapping that it could be needed against, so
/// the seal against future ones (since Linux 5.1) is as good.
fn seal(copy: &File) -> io::Result<()> {
    let shape = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    let future = SealFlag::from_bits_retain(nix::libc::F_SEAL_FUTURE_WRITE);
    match fcntl(copy, FcntlArg::F_ADD_SEALS(shape | future)) {
        Err(Errno::EINVAL) => fcntl(copy, FcntlArg::F_ADD_SEALS(shape | SealFlag::F_SEAL_WRITE))?,
        sealed => sealed?,
    };
    Ok(())
}

/// An empty file in memory, with a descriptor of its own that can only read it. No other user can open it anew for more
/// than that.
///
/// Where the system forbids memory files, it is an unnamed file in the temporary directory.
pub fn one_way(name: &str) -> io::Result<(File, OwnedFd)> {
    let plain = MFdFlags::MFD_CLOEXEC;
    // Since Linux 6.3 code and data are told apart; before, the flag is not known.
    let data = plain | MFdFlags::from_bits_retain(nix::libc::MFD_NOEXEC_SEAL);
    let made = match memfd_create(name, data) {
        Err(Errno::EINVAL) => memfd_create(name, plain),
        made => made,
    };
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = File::from(match made {
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOSYS) => {
            open(&std::env::temp_dir(), OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, mode)?
        }
        made => made?,
    });
    fchmod(&file, mode)?;
    let again = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reader = open(again.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok((file, reader))
}

fn memory_file(name: &str) -> nix::Result<File> {
    let name = name.replace('\0', "");
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    // Since Linux 6.3 a memory file has to say that it wants to be executable, and before it must not.
    let executable = flags | MFdFlags::from_bits_retain(nix::libc::MFD_EXEC);
    let made = match memfd_create(name.as_str(), executable) {
        Err(Errno::EINVAL) => memfd_create(name.as_str(), flags),
        made => made,
    };
    made.map(File::from)
}

fn unnamed_copy(file: &File) -> io::Result<OwnedFd> {
    let folder = std::env::temp_dir();
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let copy = File::from(open(&folder, flags, Mode::S_IRUSR | Mode::S_IXUSR)?);
    fill(&copy, file)?;
    // A worker that has dropped to another user opens it again by its number. Not at the creation: the umask would
    // have its say.
    fchmod(&copy, Mode::from_bits_truncate(0o555))?;
    // The descriptor that could write goes away with `copy`.
    let again = format!("/proc/self/fd/{}", copy.as_raw_fd());
    Ok(open(again.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?)
}

fn fill(mut copy: &File, mut file: &File) -> io::Result<()> {
    file.rewind()?;
    // std lets the kernel do the copying where it can.
    io::copy(&mut file, &mut copy)?;
    copy.rewind()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::fs::{FileExt, PermissionsExt};

    fn sample() -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&b"0123456789".repeat(10_000)).unwrap();
        file
    }

    fn content(fd: OwnedFd) -> Vec<u8> {
        let mut bytes = Vec::new();
        File::from(fd).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_copy_is_whole_and_survives_the_original() {
        let file = sample();
        let copy = copy_of(&file, "sample").unwrap();
        file.set_len(0).unwrap();
        assert_eq!(content(copy), b"0123456789".repeat(10_000));
    }

    #[test]
    fn the_copy_cannot_be_changed() {
        let copy = File::from(copy_of(&sample(), "sample").unwrap());
        assert_eq!((&copy).write(b"x").unwrap_err().raw_os_error(), Some(nix::libc::EPERM));
        assert!(copy.set_len(0).is_err());
    }

    #[test]
    fn one_way_is_one_way_and_private() {
        let (file, reader) = one_way("sample").unwrap();
        file.write_all_at(b"news", 0).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "no other user opens it anew");
        let reader = File::from(reader);
        assert_eq!((&reader).write(b"x").unwrap_err().raw_os_error(), Some(nix::libc::EBADF));
        assert_eq!(content(reader.into()), b"news");
    }

    #[test]
    fn the_fallback_is_whole_and_read_only() {
        let copy = unnamed_copy(&sample()).unwrap();
        let copy = File::from(copy);
        assert_eq!((&copy).write(b"x").unwrap_err().raw_os_error(), Some(nix::libc::EBADF));
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o555, "any user can load it");
        assert_eq!(content(copy.into()), b"0123456789".repeat(10_000));
    }
}
