//! The files behind `errorlog` and `accesslog`: opened before anything that depends on them is changed, and given to
//! whoever has to reopen them. What is written into them, and how, is the business of `log`.

use super::load::LoadError;
use super::orders;
use crate::log::{self, LogError};
use crate::settings::{AccessOutput, Settings};
use crate::sys::privileges::{Identity, Owner};
use std::os::fd::OwnedFd;
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
pub struct Made(Option<PathBuf>);

impl LogFile {
    /// Opens the operator log and hands it to the user that the workers become, who must be able to reopen it.
    pub fn open(settings: &Settings, identity: &Identity) -> Result<Self, LoadError> {
        let orders = orders::log_orders(settings, None);
        Self::of("errorlog", orders.path.as_deref(), identity, || log::destination(&orders))
    }

    /// Opens a file for the access log, and hands it over likewise.
    pub fn open_access(path: &Path, identity: &Identity) -> Result<Self, LoadError> {
        Self::of("accesslog", Some(path), identity, || log::access::open(path))
    }

    fn of(
        option: &str,
        path: Option<&Path>,
        identity: &Identity,
        open: impl FnOnce() -> Result<OwnedFd, LogError>,
    ) -> Result<Self, LoadError> {
        let missing = path.filter(|path| !path.exists());
        let fd = open().map_err(LoadError::failure)?;
        // By its real name: where a link led to nothing, the file is at the link's other end.
        let made = Made(missing.and_then(|path| path.canonicalize().ok()));
        let file = Self { fd, made };
        if let Some(path) = path {
            give(option, path, &file.fd, identity)?;
        }
        Ok(file)
    }

    /// Whether both logs could be opened.
    pub fn check(settings: &Settings) -> Result<(), LoadError> {
        Self::open(settings, &Identity::default()).map(drop)?;
        match settings.access_output() {
            AccessOutput::File(path) => Self::open_access(path, &Identity::default()).map(drop),
            AccessOutput::Stdout | AccessOutput::None => Ok(()),
        }
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
        if let Some(path) = self.0.take() {
            // It was made a moment ago, by us.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whoever writes to the log must be able to reopen it. Only a plain file is given away: `/dev/null` is everybody's.
fn give(option: &str, path: &Path, log: &OwnedFd, identity: &Identity) -> Result<(), LoadError> {
    let Owner { uid, gid } = identity.owner();
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    let refused = |why: String| {
        LoadError::failure(format!("cannot give the {option} {} to the user of the workers: {why}", path.display()))
    };
    // Who owns the folder could lead us anywhere by a link.
    if std::fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        return Err(refused("it is a symbolic link; name the file itself".into()));
    }
    let file = log.try_clone().map(std::fs::File::from).map_err(|error| refused(error.to_string()))?;
    if file.metadata().is_ok_and(|there| there.is_file()) {
        std::os::unix::fs::fchown(&file, uid, gid).map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
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
        LogFile::check(&logging_to(&path)).unwrap();
        drop(open(&path));
        assert!(!path.exists());
        let link = folder.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        drop(open(&link));
        assert!(!path.exists() && link.is_symlink(), "the link is not ours");
        open(&link).keep();
        assert!(path.exists());
        LogFile::check(&logging_to(&path)).unwrap();
        drop(open(&path));
        assert!(path.exists());
    }
}
