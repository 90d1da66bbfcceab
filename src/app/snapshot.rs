//! The copy of a library that one generation runs: taken once, loaded by each of its workers.
//!
//! Whatever happens to the file on disk afterwards - overwritten, half deployed, deleted - concerns the next
//! generation only. What was checked is the copy, so what was checked is what runs. The copy lives in memory
//! (`sys::memfd`) and is gone when the last process that has it is.

use super::elf::inspect;
use super::error::AppError;
use super::exports;
use super::spec::AppSpec;
use crate::sys::memfd;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How long a writer may take to come to an end before the load is refused. The arbiter waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(200);
/// Time between two looks at a file that changes.
const PAUSE: Duration = Duration::from_millis(20);

/// One generation's code.
#[derive(Debug)]
pub struct Snapshot {
    fd: OwnedFd,
    /// The file that it was copied from.
    pub origin: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When that file was last written.
    pub modified: SystemTime,
    /// The application's name in it.
    pub export: String,
    /// The version of the rustcorn crate in it.
    pub version: String,
}

impl Snapshot {
    /// Copies the library at `path` and checks that it has the application of `spec`, built for this arbiter.
    ///
    /// # Errors
    /// If it cannot be read, is being written, is no library, or does not fit.
    pub fn take(spec: &AppSpec, path: &Path) -> Result<Self, AppError> {
        let (fd, found) = copy(path, memfd::copy_of)?;
        let copied = File::from(fd);
        let exports = inspect(path, &copied)?;
        let export = exports.pick(path, &spec.export)?;
        Ok(Self {
            origin: path.to_owned(),
            size: found.len(),
            modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            export: export.name.clone(),
            version: export.stamp.as_ref().map(exports::version).unwrap_or_default(),
            fd: copied.into(),
        })
    }
}

impl AsFd for Snapshot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Copies the file at a moment when nobody writes to it, as far as size and time of change can tell.
fn copy(path: &Path, copy_of: impl Fn(&File, &str) -> io::Result<OwnedFd>) -> Result<(OwnedFd, Metadata), AppError> {
    let refuse = |problem: String| AppError::File { path: path.to_owned(), problem };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => refuse("does not exist".to_owned()),
        io::ErrorKind::PermissionDenied => refuse("cannot be read: no permission".to_owned()),
        _ => refuse(format!("cannot be read: {error}")),
    };
    // Looked at before it is opened: opening a named pipe would wait.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(refuse("is not a file".to_owned()));
    }
    // The kernel takes at most 249 bytes.
    let name: String = path.file_name().unwrap_or_default().to_string_lossy().chars().take(60).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Opened anew each time: a build replaces the file rather than write to it.
        let file = File::open(path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        let copied = copy_of(&file, &name).map_err(|error| refuse(format!("cannot be copied to memory: {error}")))?;
        let after = file.metadata().map_err(unreadable)?;
        if is_unchanged(&before, &after) && is_quiet(&after) {
            return Ok((copied, after));
        }
        if Instant::now() + PAUSE > deadline {
            return Err(refuse("is being written; try again when that is done".to_owned()));
        }
        std::thread::sleep(PAUSE);
    }
}

fn is_unchanged(before: &Metadata, after: &Metadata) -> bool {
    before.len() == after.len() && before.modified().ok() == after.modified().ok()
}

/// A file system counts time in steps of some milliseconds: what was written a moment ago may be written once more
/// without a new time of change. A time in the future is somebody's wrong clock, not a writer.
fn is_quiet(found: &Metadata) -> bool {
    let age = found.modified().ok().and_then(|modified| modified.elapsed().ok());
    age.is_none_or(|age| age >= PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testkit::{Files, library};
    use std::cell::Cell;
    use std::io::{Read, Seek, Write};

    fn spec(text: &str) -> AppSpec {
        AppSpec::parse(text).unwrap()
    }

    fn bytes(snapshot: &Snapshot) -> Vec<u8> {
        let mut file = File::from(snapshot.as_fd().try_clone_to_owned().unwrap());
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_happens_to_the_file_later_does_not_concern_the_copy() {
        let files = Files::new(&[]);
        let path = files.write("libtiny.so", library());
        let snapshot = Snapshot::take(&spec("tiny:router"), &path).unwrap();
        assert_eq!((snapshot.export.as_str(), snapshot.version.as_str()), ("router", "0.1.0"));
        assert_eq!(snapshot.size, library().len() as u64);
        std::fs::write(&path, "half a deploy").unwrap();
        assert!(bytes(&snapshot) == library());
        std::fs::remove_file(&path).unwrap();
        assert!(bytes(&snapshot) == library());
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_loaded() {
        let files = Files::new(&[("text.so", "no library")]);
        let path = files.write("libtiny.so", library());
        let told = |name: &str, path: &Path| Snapshot::take(&spec(name), path).unwrap_err().to_string();
        assert!(told("tiny:other", &path).contains("rustcorn 9.0.1 with ABI 7"));
        assert!(told("tiny:blank", &path).contains("does not say which rustcorn"));
        assert!(told("tiny:routre", &path).contains("it exports router, "));
        assert!(told("tiny:router", &files.path("text.so")).contains("it starts with \"no library\""));
        assert!(told("tiny:router", &files.root()).ends_with("is not a file"));
        assert!(told("tiny:router", &files.path("gone.so")).ends_with("gone.so does not exist"));
    }

    #[test]
    fn a_writer_that_comes_to_an_end_is_awaited_and_one_that_does_not_is_told() {
        let files = Files::new(&[("libx.so", "a")]);
        let path = files.path("libx.so");
        let writes = Cell::new(2);
        let disturbed = |file: &File, name: &str| {
            let copied = memfd::copy_of(file, name);
            if writes.get() > 0 {
                writes.set(writes.get() - 1);
                File::options().append(true).open(&path).unwrap().write_all(b"b").unwrap();
            }
            copied
        };
        assert_eq!(copy(&path, disturbed).unwrap().1.len(), 3);
        writes.set(u32::MAX);
        let started = Instant::now();
        let told = copy(&path, disturbed).unwrap_err().to_string();
        assert!(told.ends_with("libx.so is being written; try again when that is done"), "{told}");
        assert!(started.elapsed() < PATIENCE * 10);
    }
}
