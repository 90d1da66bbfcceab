//! The files behind `errorlog` and `accesslog`: opened before anything that depends on them is changed, and given to
//! whoever has to reopen them. What is written into them, and how, is the business of `log`.

use super::load::LoadError;
use crate::log::{self, Links, Opened};
use crate::settings::{AccessOutput, Settings};
use crate::sys::privileges::{Identity, Owner};
use std::fs::{File, Metadata};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An opened log that nobody writes to yet. A file that was made for it is removed again unless it is kept, so
/// that a reload that comes to nothing, or a mere check, leaves nothing behind.
#[must_use]
pub struct LogFile {
    fd: OwnedFd,
    made: Made,
}

/// A file that did not exist before. It goes again, unless it is kept.
#[must_use]
pub struct Made(Option<(PathBuf, Number)>);

/// The device and the number of a file: what it is, whatever it is called.
type Number = (u64, u64);

impl LogFile {
    /// Opens the operator log and hands it to the user that the workers become, who must be able to reopen it.
    pub fn open(settings: &Settings, identity: &Identity) -> Result<Self, LoadError> {
        match settings.log_path() {
            Some(path) => Self::give("errorlog", path, identity.owner()),
            None => {
                let fd = log::stderr().map_err(LoadError::failure)?;
                Ok(Self { fd, made: Made::nothing() })
            }
        }
    }

    /// Opens a file for the access log, and hands it over likewise.
    pub fn open_access(path: &Path, identity: &Identity) -> Result<Self, LoadError> {
        Self::give("accesslog", path, identity.owner())
    }

    /// Whether both logs could be opened and handed over.
    pub fn check(settings: &Settings, identity: &Identity) -> Result<(), LoadError> {
        if let Some(path) = settings.log_path() {
            Self::vouched("errorlog", path, identity.owner()).map(drop)?;
        }
        match settings.access_output() {
            AccessOutput::File(path) => Self::vouched("accesslog", path, identity.owner()).map(drop),
            AccessOutput::Stdout | AccessOutput::None => Ok(()),
        }
    }

    fn give(option: &'static str, path: &Path, owner: Owner) -> Result<Self, LoadError> {
        let (log, file) = Self::vouched(option, path, owner)?;
        if let Some(file) = file {
            let given = std::os::unix::fs::fchown(file, owner.uid, owner.gid);
            given.map_err(|error| refusal(option, path, &error.to_string()))?;
        }
        Ok(log)
    }

    /// Opens the log and makes sure that nobody has led us elsewhere. With it comes the file that is to be given away, if
    /// it is: only a plain one, for `/dev/null` is everybody's.
    fn vouched(option: &'static str, path: &Path, owner: Owner) -> Result<(Self, Option<File>), LoadError> {
        let links = if owner == Owner::default() { Links::Follow } else { Links::Distrust };
        let Opened { file, made, named } = log::open(option, path, links).map_err(LoadError::failure)?;
        let refused = |error: std::io::Error| refusal(option, path, &error.to_string());
        let there = file.metadata().map_err(refused)?;
        let made = Made(made.map(|path| (path, number(&there))));
        let Some(named) = named else { return Ok((Self { fd: file.into(), made }, None)) };
        suspect(&there, &named, owner).map_or(Ok(()), |why| Err(refusal(option, path, why)))?;
        let gift = there.is_file().then(|| file.try_clone()).transpose().map_err(refused)?;
        Ok((Self { fd: file.into(), made }, gift))
    }

    /// It is needed: what was made stays.
    pub fn keep(self) -> OwnedFd {
        let (fd, made) = self.split();
        made.keep();
        fd
    }

    /// The log, and what goes again if it is not needed in the end.
    pub fn split(self) -> (OwnedFd, Made) {
        (self.fd, self.made)
    }
}

impl Made {
    /// Nothing was made.
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// It is needed.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some((path, made)) = self.0.take()
            && path.symlink_metadata().is_ok_and(|there| number(&there) == made)
        {
            // It was made a moment ago, by us.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Why a file is not one to be given to `owner`, who may own its folder and so could lead us anywhere. `file` was
/// opened, `named` is what is there by its name.
fn suspect(file: &Metadata, named: &Metadata, owner: Owner) -> Option<&'static str> {
    if named.is_symlink() {
        // Such as /dev/stdout. Root can be led only where it wants to be.
        let harmless = !file.is_file() && named.uid() == 0;
        return (!harmless).then_some("it is a symbolic link; name the file itself");
    }
    if number(file) != number(named) {
        return Some("another file took its name while it was opened; look who can write to its folder");
    }
    let theirs = owner.uid.is_none_or(|uid| uid == file.uid());
    let many = file.is_file() && file.nlink() > 1 && !theirs;
    many.then_some("it has other names (hard links) and so may be another's; name a file of its own")
}

fn refusal(option: &str, path: &Path, why: &str) -> LoadError {
    LoadError::failure(format!("cannot give the {option} {} to the user of the workers: {why}", path.display()))
}

fn number(file: &Metadata) -> Number {
    (file.dev(), file.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logging_to(path: &Path) -> Settings {
        Settings { errorlog: path.display().to_string(), ..Settings::default() }
    }

    #[test]
    fn only_what_is_kept_stays_and_what_was_there_always_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let open = |path: &Path| LogFile::open(&logging_to(path), &Identity::default()).unwrap();
        LogFile::check(&logging_to(&path), &Identity::default()).unwrap();
        drop(open(&path));
        assert!(!path.exists());
        let link = folder.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        drop(open(&link));
        assert!(!path.exists() && link.is_symlink(), "the link is not ours");
        open(&link).keep();
        assert!(path.exists());
        LogFile::check(&logging_to(&path), &Identity::default()).unwrap();
        drop(open(&path));
        assert!(path.exists());
    }

    #[test]
    fn what_took_the_name_of_a_made_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let file = LogFile::open(&logging_to(&path), &Identity::default()).unwrap();
        std::fs::rename(&path, folder.path().join("web.log.1")).unwrap();
        std::fs::write(&path, "another's").unwrap();
        drop(file);
        assert!(path.exists());
    }

    #[test]
    fn who_may_own_the_folder_leads_us_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let [file, other, link, name] = ["a.log", "b.log", "link", "name"].map(|name| folder.path().join(name));
        std::fs::write(&file, "").unwrap();
        std::fs::write(&other, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let about = |path: &Path| path.symlink_metadata().unwrap();
        let us = about(&file).uid();
        let [ours, theirs] = [us, us + 1].map(|uid| Owner { uid: Some(uid), gid: None });
        let told = |file: &Path, named: &Path, owner| suspect(&about(file), &about(named), owner).unwrap_or_default();
        assert_eq!(told(&file, &file, theirs), "");
        assert!(told(&file, &link, ours).starts_with("it is a symbolic link"));
        assert!(told(&file, &other, ours).starts_with("another file took its name"));
        std::fs::hard_link(&file, &name).unwrap();
        assert!(told(&file, &file, theirs).starts_with("it has other names"));
        assert_eq!(told(&file, &file, ours), "");
        let stdout = Path::new("/dev/stdout");
        if about(stdout).is_symlink() && about(stdout).uid() == 0 {
            assert_eq!(told(Path::new("/dev/null"), stdout, theirs), "");
            assert!(told(&file, stdout, theirs).starts_with("it is a symbolic link"));
        }
    }
}
