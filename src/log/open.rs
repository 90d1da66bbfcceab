//! Opens the file of a log. Refuses with one sentence that says what is wrong and where; the caller decides
//! whether that ends the start (boot) or keeps the old log (USR1, HUP). Ownership is the arbiter's business.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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

impl From<LogError> for io::Error {
    fn from(error: LogError) -> Self {
        let kind = match &error {
            LogError::Open { source, .. } | LogError::Stderr(source) => source.kind(),
        };
        Self::new(kind, error)
    }
}

/// Opens `path` to append to it; a new file gets mode 0644 less the umask. Never waits: a named pipe that nobody reads
/// is opened too (what does not fit in it is lost and counted).
///
/// # Errors
/// If the file cannot be opened or made.
pub fn open(path: &Path) -> Result<File, LogError> {
    open_as("errorlog", path)
}

/// The same for the file that `option` names.
pub(super) fn open_as(option: &'static str, path: &Path) -> Result<File, LogError> {
    let is_fifo = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    OpenOptions::new()
        .append(true)
        .create(true)
        // Opening a named pipe only to write waits for a reader; to read and write, it does not.
        .read(is_fifo)
        .mode(0o644)
        .open(path)
        .map_err(|source| LogError::Open { option, reason: explain(path, &source), path: path.to_owned(), source })
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

    #[test]
    fn a_missing_directory_is_named() {
        let error = open(Path::new("/nope/x.log")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open errorlog /nope/x.log: the directory /nope does not exist");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn directories_dangling_links_and_files_as_directories_are_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let told = |path: &Path| open(path).unwrap_err().to_string();
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
        open(&path).unwrap().write_all(b"one\n").unwrap();
        open(&path).unwrap().write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
    }

    #[test]
    fn a_named_pipe_without_a_reader_does_not_hang() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        open(&path).unwrap();
    }
}
