//! Opens the file of a log. Refuses with one sentence that says what is wrong and where; the caller decides
//! whether that ends the start (boot) or keeps the old log (USR1, HUP). Ownership is the arbiter's business.

use crate::sys::folder::Place;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a new file may be used for, before the umask.
const MODE: u32 = 0o644;

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file of `errorlog` or `accesslog` cannot be written to.
    #[error("cannot open {option} {}: {reason}", path.display())]
    Open {
        /// Which of the two.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, in words.
        reason: String,
        /// What the system said.
        source: io::Error,
    },
    /// The standard error stream cannot be used.
    #[error("cannot log to the standard error stream: {0}")]
    Stderr(io::Error),
}

impl LogError {
    /// Whether this process may not open it, though another may.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

impl From<LogError> for io::Error {
    fn from(error: LogError) -> Self {
        let kind = match &error {
            LogError::Open { source, .. } | LogError::Stderr(source) => source.kind(),
        };
        Self::new(kind, error)
    }
}

/// Whether symbolic links may lead to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// As everywhere.
    Follow,
    /// Those in the directory part only where nobody but the opener (and root) can have put them, and none at the name
    /// to a new file: somebody who may do less than the opener could have led them here.
    Distrust,
}

/// An opened log.
#[derive(Debug)]
pub struct Opened {
    /// To append to.
    pub file: File,
    /// The name of the file, if it was made for this.
    pub made: Option<PathBuf>,
    /// If links are distrusted: what is there by the name.
    pub named: Option<Metadata>,
}

/// Opens the file that `option` names to append to it; a new one gets mode 0644 less the umask. Never waits: a named pipe
/// that nobody reads is opened too (what does not fit in it is lost and counted).
///
/// # Errors
/// If the file cannot be opened or made.
pub fn open(option: &'static str, path: &Path, links: Links) -> Result<Opened, LogError> {
    let opened = match links {
        Links::Follow => trusting(path),
        Links::Distrust => distrusting(path),
    };
    opened.map_err(|source| LogError::Open { option, reason: explain(path, &source), path: path.to_owned(), source })
}

/// Opening a named pipe only to write waits for a reader; to read and write, it does not.
fn is_fifo(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

fn trusting(path: &Path) -> io::Result<Opened> {
    let mut how = OpenOptions::new();
    how.append(true).read(is_fifo(path)).mode(MODE);
    match how.clone().create_new(true).open(path) {
        Ok(file) => Ok(Opened { file, made: Some(path.to_owned()), named: None }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match how.open(path) {
            // The file is made at the link's other end.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                how.create(true).open(path).map(|file| Opened { file, made: path.canonicalize().ok(), named: None })
            }
            there => there.map(|file| Opened { file, made: None, named: None }),
        },
        Err(error) => Err(error),
    }
}

fn distrusting(path: &Path) -> io::Result<Opened> {
    let place = Place::find(path)?;
    let (file, made) = match place.make(MODE) {
        Ok(file) => (file, Some(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (place.append(is_fifo(path))?, None),
        Err(error) => return Err(error),
    };
    Ok(Opened { file, made, named: Some(place.look()?) })
}

/// The reason in words: the system's "No such file or directory" does not say which of the two.
fn explain(path: &Path, error: &io::Error) -> String {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    };
    match error.kind() {
        io::ErrorKind::NotFound if path.as_os_str().is_empty() => "the name is empty".to_owned(),
        io::ErrorKind::NotFound if !folder.exists() => format!("the directory {} does not exist", folder.display()),
        io::ErrorKind::NotFound => "it is a symbolic link to a place that does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => format!("{} is not a directory", folder.display()),
        io::ErrorKind::PermissionDenied if path.exists() => "no permission to write to it".to_owned(),
        io::ErrorKind::PermissionDenied => format!("no permission to make a file in {}", folder.display()),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is mounted read-only".to_owned(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    fn follow(path: &Path) -> Result<File, LogError> {
        open("errorlog", path, Links::Follow).map(|opened| opened.file)
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = follow(Path::new("/nope/x.log")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open errorlog /nope/x.log: the directory /nope does not exist");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn directories_dangling_links_and_files_as_directories_are_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let told = |path: &Path| follow(path).unwrap_err().to_string();
        assert!(told(home.path()).ends_with("it is a directory"));
        let link = home.path().join("link");
        std::os::unix::fs::symlink("/nope/nowhere", &link).unwrap();
        assert!(told(&link).ends_with("symbolic link to a place that does not exist"));
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(told(&file.join("x.log")).ends_with(&format!("{} is not a directory", file.display())));
    }

    #[test]
    fn it_appends_and_nobody_else_may_write() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.log");
        follow(&path).unwrap().write_all(b"one\n").unwrap();
        follow(&path).unwrap().write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
    }

    #[test]
    fn who_has_made_a_file_is_told_and_a_link_makes_one_for_the_trusting_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap().join("x.log");
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let made = |path: &Path, links| open("accesslog", path, links).map(|opened| opened.made);
        let told = made(&link, Links::Distrust).unwrap_err().to_string();
        assert!(told.ends_with("symbolic link to a place that does not exist") && !path.exists(), "{told}");
        assert_eq!(made(&link, Links::Follow).unwrap().as_ref(), Some(&path));
        for links in [Links::Follow, Links::Distrust] {
            assert_eq!(made(&path, links).unwrap(), None);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(made(&path, links).unwrap().as_ref(), Some(&path));
        }
    }

    #[test]
    fn a_named_pipe_without_a_reader_does_not_hang() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        for links in [Links::Follow, Links::Distrust] {
            open("errorlog", &path, links).unwrap();
        }
    }
}
