//! The pid file: refused while another arbiter lives, replaced when stale, renamed at an upgrade.
//!
//! A process id proves nothing: in a restarted container the number in a stale file often belongs to somebody else. So
//! a live arbiter holds a lock on its file, and the lock, which dies with its process, is what counts.

use crate::types::Pid;
use std::fs::{File, FileType, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    /// A stale one that somebody else looks at under a lock, and does not let go of.
    #[error("cannot write the pid file {}: another process, probably no rustcorn, keeps the file there locked; end that process (fuser names it), remove the file, or choose another --pid", path.display())]
    Locked {
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

/// Starts that look at each other's files let go of them within a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same for an arbiter that has workers to look after.
const MOMENT: Duration = Duration::from_millis(50);

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
    let begun = Instant::now();
    while let Some(stale) = find_stale(path)? {
        if locks(&stale).map_err(failed)? {
            break;
        }
        wait_since(begun, PATIENCE, path)?;
    }
    // Not that of another start, which may look at the same moment.
    let probe = beside(path, &format!(".probe.{}", std::process::id()));
    // Never through a link that somebody has put there.
    let _ = std::fs::remove_file(&probe);
    File::create_new(&probe).map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

/// What a dead arbiter, or somebody else, has left in the file's place.
fn find_stale(path: &Path) -> Result<Option<File>, PidFileError> {
    let failed = |source| PidFileError::Io { path: path.to_owned(), source };
    match open(path) {
        Ok(file) => {
            if let Some(kind) = strange(file.metadata().map_err(failed)?.file_type()) {
                return Err(PidFileError::NoFile { path: path.to_owned(), kind });
            }
            match file.try_lock_shared() {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => {
                    Err(PidFileError::Running { pid: content(file), path: path.to_owned() })
                }
                Err(TryLockError::Error(source)) => Err(failed(source)),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => {
                Err(PidFileError::NoFile { path: path.to_owned(), kind: "a link to nothing" })
            }
            _ => Ok(None),
        },
        Err(source) => Err(failed(source)),
    }
}

/// Has a stale file to itself; or else somebody looks at it, or replaces it.
fn locks(stale: &File) -> io::Result<bool> {
    stale.unlock()?;
    match stale.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Gives others a little time, of which there is so much in all.
fn wait_since(begun: Instant, patience: Duration, path: &Path) -> Result<(), PidFileError> {
    if begun.elapsed() > patience {
        return Err(PidFileError::Locked { path: path.to_owned() });
    }
    std::thread::sleep(Duration::from_millis(1));
    Ok(())
}

/// Gives a locked draft its name. Of several that start at the same moment one does, and the others find it there: a name
/// that is free is taken by a link, which fails if it is not, and a stale file is replaced by whoever has its lock.
fn publish(draft: &Path, path: &Path) -> Result<(), PidFileError> {
    let failed = |source| PidFileError::Io { path: path.to_owned(), source };
    let begun = Instant::now();
    loop {
        let Some(stale) = find_stale(path)? else {
            match std::fs::hard_link(draft, path) {
                Ok(()) => return std::fs::remove_file(draft).map_err(failed),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    wait_since(begun, MOMENT, path)?;
                    continue;
                }
                // Not every file system has links. Whoever starts there at the same moment is not seen.
                Err(_) => return std::fs::rename(draft, path).map_err(failed),
            }
        };
        if locks(&stale).map_err(failed)?
            && path.metadata().is_ok_and(|there| stale.metadata().is_ok_and(|own| own.ino() == there.ino()))
        {
            return std::fs::rename(draft, path).map_err(failed);
        }
        wait_since(begun, MOMENT, path)?;
    }
}

/// Opens whatever is there, at once: a named pipe would wait for somebody to write. If it may be, for writing: NFS locks
/// nothing else.
fn open(path: &Path) -> io::Result<File> {
    let open =
        |write| std::fs::OpenOptions::new().read(true).write(write).custom_flags(crate::sys::fd::NONBLOCK).open(path);
    open(true).or_else(|_| open(false))
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
        let _ = std::fs::remove_file(&draft);
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&draft);
        let mut file = opened.map_err(failed)?;
        let written = file.try_lock().map_err(io::Error::from).and_then(|()| writeln!(file, "{pid}"));
        if let Err(error) = written.map_err(failed).and_then(|()| publish(&draft, path)) {
            let _ = std::fs::remove_file(&draft);
            return Err(error);
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
    fn a_stale_file_that_somebody_keeps_locked_is_told() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("app.pid");
        std::fs::write(&path, "a stale one").expect("written");
        let somebody = File::open(&path).expect("opened");
        somebody.lock_shared().expect("locked");
        let refusals = [check(&path).expect_err("locked"), PidFile::create(&path, Pid(4711)).expect_err("locked")];
        assert!(refusals.iter().all(|refusal| matches!(refusal, PidFileError::Locked { .. })), "{refusals:?}");
        // Nothing is left of the attempts, and it is ours once that somebody has gone.
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 1);
        // Children of other tests may have the descriptor too.
        somebody.unlock().expect("unlocked");
        PidFile::create(&path, Pid(4711)).expect("written");
    }

    #[test]
    fn of_several_that_start_at_the_same_moment_one_has_the_file() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("app.pid");
        for round in 0..300 {
            if round % 2 == 0 {
                std::fs::write(&path, "a stale one").expect("written");
            }
            let gate = std::sync::Barrier::new(4);
            let held: Vec<_> = std::thread::scope(|scope| {
                let start = |pid| {
                    gate.wait();
                    PidFile::create(&path, Pid(pid))
                };
                let starts = [1, 2, 3, 4].map(|pid| scope.spawn(move || start(pid)));
                starts.map(|start| start.join().expect("no panic")).into_iter().flatten().collect()
            });
            assert_eq!(held.len(), 1, "in round {round}");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), format!("{}\n", held[0].pid));
            drop(held);
            assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0, "in round {round}");
        }
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
