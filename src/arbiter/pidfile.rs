//! The pid file: refused while another arbiter lives, replaced when stale, renamed at an upgrade.
//!
//! A process id proves nothing: in a restarted container the number in a stale file often belongs to somebody else. So
//! a live arbiter holds a lock on its file, and the lock, which dies with its process, is what counts.

use crate::types::Pid;
use std::fs::{File, FileType, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why a pid file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// Another arbiter holds it.
    #[error("already running on PID {pid}: the pid file {} is held by a live rustcorn; stop it or choose another --pid", path.display())]
    Running {
        /// The process id in the file.
        pid: String,
        /// The file.
        path: PathBuf,
    },
    /// Something else is there, which nobody has meant.
    #[error("cannot write the pid file {}: {kind} is there; remove it or choose another --pid", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// It cannot be read or written.
    #[error("cannot write the pid file {}: {source}; check that its directory exists and is writable", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Our pid file, locked as long as this value lives.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    pid: Pid,
    _lock: File,
}

/// Refuses when a live arbiter holds the file; anything else in its place is stale. Tries the directory too, so that a
/// file that could not be written is told before any worker is started.
pub fn check(path: &Path) -> Result<(), PidFileError> {
    let failed = |source| PidFileError::Io { path: path.to_owned(), source };
    match open(path) {
        Ok(file) => {
            if let Some(kind) = strange(file.metadata().map_err(failed)?.file_type()) {
                return Err(PidFileError::NoFile { path: path.to_owned(), kind });
            }
            match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(PidFileError::Running { pid: content(file), path: path.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(source)),
    }
    let probe = beside(path, ".probe");
    // Never through a link that somebody has put there.
    let _ = std::fs::remove_file(&probe);
    File::create_new(&probe).map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

/// Opens whatever is there, at once: a named pipe would wait for somebody to write.
fn open(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new().read(true).custom_flags(crate::sys::fd::NONBLOCK).open(path)
}

/// What the file says; of one that cannot be read, nothing.
fn content(file: File) -> String {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().to_owned()
}

/// What is there instead of a file.
fn strange(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        kind if kind.is_fifo() => Some("a named pipe"),
        _ => Some("a device"),
    }
}

/// The file's name during an upgrade, as in Gunicorn.
pub fn second(path: &Path) -> PathBuf {
    beside(path, ".2")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl PidFile {
    /// Writes the file, whole or not at all, and locks it.
    pub fn create(path: &Path, pid: Pid) -> Result<Self, PidFileError> {
        let failed = |source| PidFileError::Io { path: path.to_owned(), source };
        let draft = beside(path, &format!(".{pid}"));
        // Somebody may have started at the same moment as we did.
        check(path)?;
        let _ = std::fs::remove_file(&draft);
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&draft);
        let mut file = opened.map_err(failed)?;
        let written = file.try_lock().map_err(io::Error::from).and_then(|()| writeln!(file, "{pid}"));
        if let Err(error) = written.and_then(|()| std::fs::rename(&draft, path)) {
            let _ = std::fs::remove_file(&draft);
            return Err(failed(error));
        }
        Ok(Self { path: path.to_owned(), pid, _lock: file })
    }

    /// Moves the file: the promotion after an upgrade.
    pub fn rename(&mut self, path: &Path) -> Result<(), PidFileError> {
        let moved = std::fs::rename(&self.path, path);
        moved.map_err(|source| PidFileError::Io { path: path.to_owned(), source })?;
        self.path = path.to_owned();
        Ok(())
    }
}

impl Drop for PidFile {
    /// Removes the file if it is still ours: an upgrade may have taken the name over.
    fn drop(&mut self) {
        let ours = open(&self.path).is_ok_and(|file| content(file) == self.pid.to_string());
        if ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_file_is_refused_and_a_stale_one_is_not() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("app.pid");
        check(&path).expect("nothing there yet");
        let held = PidFile::create(&path, Pid(4711)).expect("written");
        let refusal = check(&path).expect_err("it is held").to_string();
        assert!(refusal.starts_with("already running on PID 4711"), "{refusal}");
        drop(held);
        assert!(!path.exists());
        // The number of a process that lives, but is no arbiter.
        std::fs::write(&path, format!("{}\n", std::process::id())).expect("written");
        check(&path).expect("nobody holds it");
    }

    #[test]
    fn promotion_renames_and_removal_spares_a_successor() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("app.pid");
        let old = PidFile::create(&path, Pid(1)).expect("written");
        let mut new = PidFile::create(&second(&path), Pid(2)).expect("written");
        new.rename(&path).expect("renamed");
        drop(old);
        assert_eq!(std::fs::read_to_string(&path).expect("still there"), "2\n");
        drop(new);
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0);
    }

    #[test]
    fn what_is_no_file_is_refused_and_waited_for_by_nobody() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("app.pid");
        let held = PidFile::create(&path, Pid(4711)).expect("written");
        std::fs::remove_file(&path).expect("removed");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let refusal = check(&path).expect_err("a pipe").to_string();
        assert!(refusal.contains("a named pipe is there"), "{refusal}");
        drop(held);
        assert!(path.exists(), "it is not ours");
        let refusal = check(dir.path()).expect_err("a directory").to_string();
        assert!(refusal.contains("a directory is there; remove it or choose another --pid"), "{refusal}");
    }

    #[test]
    fn a_missing_directory_is_one_sentence() {
        let error = check(Path::new("/nonexistent/dir/app.pid")).expect_err("no directory").to_string();
        assert!(error.contains("/nonexistent/dir/app.pid") && !error.contains('\n'), "{error}");
    }
}
