//! A name in a folder that nobody else can have led us to: for root, who does things with files at paths on which other
//! users may own a part.

use super::fd::NONBLOCK;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// As many links on one way as the kernel follows.
const MOST_LINKS: usize = 40;

/// A file's name, and the folder that it is in, held open: what becomes of the path later changes nothing.
#[derive(Debug)]
pub struct Place {
    folder: OwnedFd,
    name: OsString,
}

impl Place {
    /// Walks to the folder of `path`. A symbolic link on the way is followed only where nobody but root and ourselves can
    /// have put it: who owns a folder could lead us to any other through it.
    ///
    /// # Errors
    /// If there is no such folder, or a link that others may have put there.
    pub fn find(path: &Path) -> io::Result<Self> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let name = path.file_name().ok_or_else(missing)?.to_owned();
        let parent = path.parent().ok_or_else(missing)?;
        let mut folder = super::fd::directory(Path::new("."))?;
        // From the last to the first.
        let mut steps: Vec<OsString> = steps(parent);
        let mut walked = PathBuf::new();
        let mut links = 0;
        while let Some(step) = steps.pop() {
            walked.push(&step);
            let next = open(&folder, &step, OFlag::O_PATH, Mode::empty())?;
            if kind(&next)? != SFlag::S_IFLNK {
                folder = next;
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(nix::errno::Errno::ELOOP.into());
            }
            if !is_ours_alone(&folder)? {
                let link = walked.display();
                return Err(io::Error::other(format!(
                    "{link} is a symbolic link in a directory that others than root can write to; write the path that it leads to"
                )));
            }
            walked.pop();
            let target = readlinkat(&folder, step.as_os_str())?;
            steps.extend(self::steps(Path::new(&target)));
        }
        match kind(&folder)? {
            SFlag::S_IFDIR => Ok(Self { folder, name }),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// What is there by this name; a link is told as such.
    ///
    /// # Errors
    /// If nothing is.
    pub fn look(&self) -> io::Result<Metadata> {
        File::from(open(&self.folder, &self.name, OFlag::O_PATH, Mode::empty())?).metadata()
    }

    /// Makes the file, to append to it, with this mode less the umask.
    ///
    /// # Errors
    /// Also if something is there already, be it a link to nowhere.
    pub fn make(&self, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_EXCL;
        Ok(open(&self.folder, &self.name, flags, Mode::from_bits_truncate(mode))?.into())
    }

    /// Opens what is there to append to it, at once, whatever it is. A link is followed: look at it.
    ///
    /// # Errors
    /// If nothing is there, or it cannot be written to.
    pub fn append(&self, read_too: bool) -> io::Result<File> {
        let access = if read_too { OFlag::O_RDWR } else { OFlag::O_WRONLY };
        let flags = access | OFlag::O_APPEND | OFlag::O_CLOEXEC | OFlag::from_bits_retain(NONBLOCK);
        Ok(openat(&self.folder, self.name.as_os_str(), flags, Mode::empty())?.into())
    }
}

/// The parts of a path, the last one first.
fn steps(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.rev().map(|part| part.as_os_str().to_owned()).collect()
}

/// Never through a link.
fn open(folder: &OwnedFd, name: &OsStr, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    Ok(openat(folder, name, flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, mode)?)
}

fn kind(fd: &OwnedFd) -> io::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(fd.as_fd())?.st_mode) & SFlag::S_IFMT)
}

/// Whether only root and we can have put into this folder what is in it.
fn is_ours_alone(folder: &OwnedFd) -> io::Result<bool> {
    let about = fstat(folder.as_fd())?;
    let trusted = about.st_uid == 0 || about.st_uid == nix::unistd::geteuid().as_raw();
    Ok(trusted && about.st_mode & 0o022 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn told(path: &Path) -> String {
        Place::find(path).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_link_on_the_way_leads_on_only_where_nobody_else_can_have_put_it() {
        let home = tempfile::tempdir().unwrap();
        let (real, trusted, open) = (home.path().join("real"), home.path().join("a"), home.path().join("b"));
        for (folder, mode) in [(&real, 0o755), (&trusted, 0o755), (&open, 0o777)] {
            std::fs::create_dir(folder).unwrap();
            std::fs::set_permissions(folder, PermissionsExt::from_mode(mode)).unwrap();
            symlink("../real", folder.join("logs")).unwrap();
        }
        let refusal = told(&open.join("logs/x.log"));
        assert!(refusal.contains(&format!("{} is a symbolic link", open.join("logs").display())), "{refusal}");
        Place::find(&trusted.join("logs/x.log")).unwrap().make(0o600).unwrap();
        assert!(real.join("x.log").exists());
        // Not even a trusted link makes a way through the open folder a good one.
        symlink(open.join("logs"), trusted.join("far")).unwrap();
        assert!(told(&trusted.join("far/x.log")).contains("is a symbolic link"));
        // Without links any way will do.
        Place::find(&open.join("../real/./x.log")).unwrap().append(false).unwrap();
        symlink("loop", trusted.join("loop")).unwrap();
        assert!(told(&trusted.join("loop/x.log")).contains("symbolic links"));
    }

    #[test]
    fn what_the_path_becomes_later_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (logs, other) = (home.path().join("logs"), home.path().join("other"));
        std::fs::create_dir(&logs).unwrap();
        std::fs::create_dir(&other).unwrap();
        let place = Place::find(&logs.join("x.log")).unwrap();
        std::fs::rename(&logs, home.path().join("moved")).unwrap();
        symlink(&other, &logs).unwrap();
        place.make(0o600).unwrap();
        assert!(home.path().join("moved/x.log").exists() && !other.join("x.log").exists());
        assert!(place.look().unwrap().is_file());
    }

    #[test]
    fn a_folder_that_is_missing_or_none_is_told_apart() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let kind = |path: &Path| Place::find(path).unwrap_err().kind();
        assert_eq!(kind(Path::new("/nope/x.log")), io::ErrorKind::NotFound);
        assert_eq!(kind(&file.path().join("x.log")), io::ErrorKind::NotADirectory);
        assert_eq!(kind(Path::new("/")), io::ErrorKind::NotFound);
        assert!(Place::find(Path::new("x.log")).unwrap().look().is_err());
    }
}
