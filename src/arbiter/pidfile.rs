//! The pid file: refused while another arbiter lives, replaced when stale, renamed at an upgrade.
//!
//! A process id proves nothing: in a restarted container the number in a stale file often belongs to somebody else. So
//! a live arbiter holds a lock on its file, and the lock, which dies with its process, is what counts.

use crate::types::Pid;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
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
    match File::open(path) {
        Ok(mut file) => match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only the message suffers when the file cannot be read.
                let _ = Read::by_ref(&mut file).take(32).read_to_string(&mut pid);
                return Err(PidFileError::Running { pid: pid.trim().to_owned(), path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(source)),
    }
    let probe = beside(path, ".probe");
    File::create(&probe).map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
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
        use std::os::unix::fs::OpenOptionsExt;
        let failed = |source| PidFileError::Io { path: path.to_owned(), source };
        let draft = beside(path, &format!(".{pid}"));
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o644).open(&draft);
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
        let ours = std::fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == self.pid.to_string());
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
    fn a_missing_directory_is_one_sentence() {
        let error = check(Path::new("/nonexistent/dir/app.pid")).expect_err("no directory").to_string();
        assert!(error.contains("/nonexistent/dir/app.pid") && !error.contains('\n'), "{error}");
    }
}
