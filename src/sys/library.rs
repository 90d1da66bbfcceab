//! Loading an application's library into this process. What may be loaded is `app`'s business: by the time a library
//! comes here, its stamp has been read and accepted.

use crate::abi::{Seat, WorkerMain};
use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};
use std::os::fd::{AsRawFd, BorrowedFd};

/// A library that was loaded, for good: it is never unloaded, since its threads and destructors could not survive it.
#[derive(Debug)]
pub struct Library(std::mem::ManuallyDrop<Loaded>);

impl Library {
    /// Loads the library behind a descriptor and runs its initialisers. The descriptor must stay open, under its
    /// number, as long as backtraces shall have names: that is where they are read from.
    ///
    /// The error is the dynamic loader's sentence.
    pub fn open(fd: BorrowedFd<'_>) -> Result<Self, String> {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        // SAFETY: runs the application's initialisers. That the application is sound is the application's matter: the
        // operator wants its code to run.
        let loaded = unsafe { Loaded::open(Some(&path), RTLD_NOW | RTLD_LOCAL) };
        // The path means nothing to the reader, who will be told the file's own.
        let loaded = loaded.map_err(|error| reason(&error).replace(&format!("{path}: "), ""))?;
        Ok(Self(std::mem::ManuallyDrop::new(loaded)))
    }

    /// The worker that the library exports under this symbol.
    pub fn worker_main(&self, symbol: &str) -> Result<WorkerMain, String> {
        // SAFETY: a symbol of this prefix is what `export!` wrote, of the type that the checked ABI number stands for.
        // The library is never unloaded, so the copied pointer stays good.
        let found = unsafe { self.0.get::<WorkerMain>(symbol) };
        found.map(|symbol| *symbol).map_err(|error| reason(&error))
    }
}

fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Becomes the worker: returns when it has ended, with the exit code for the process.
#[must_use]
pub fn call(main: WorkerMain, seat: &Seat) -> i32 {
    // SAFETY: the seat is of this ABI, which the library's stamp has confirmed, and outlives the call.
    unsafe { main(seat) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memfd;
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};

    /// A library in C, so that the test needs no second cargo build.
    fn build(source: &str) -> Option<File> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libapp.so");
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .ok()?;
        compiler.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
        assert!(compiler.wait().unwrap().success());
        Some(File::open(path).unwrap())
    }

    #[test]
    fn a_copy_in_memory_is_loaded_and_called() {
        let Some(file) =
            build("struct seat { unsigned abi; }; int rustcorn_worker_app(struct seat *s) { return s->abi; }")
        else {
            return;
        };
        let copy = memfd::copy_of(&file, "libapp.so").unwrap();
        let library = Library::open(copy.as_fd()).unwrap();
        let main = library.worker_main("rustcorn_worker_app").unwrap();
        let missing = library.worker_main("rustcorn_worker_other").unwrap_err();
        assert!(missing.contains("rustcorn_worker_other"), "{missing}");
        // SAFETY: a seat of zeros: null pointers, no lists.
        let mut seat: Seat = unsafe { std::mem::zeroed() };
        seat.abi = 42;
        assert_eq!(call(main, &seat), 42);
    }

    #[test]
    fn two_copies_are_two_libraries() {
        let source = |value: u32| format!("int rustcorn_worker_app(void *s) {{ return {value}; }}");
        let (Some(first), Some(second)) = (build(&source(1)), build(&source(2))) else { return };
        // SAFETY: as above; these ignore it.
        let seat: Seat = unsafe { std::mem::zeroed() };
        for (file, value) in [(first, 1), (second, 2)] {
            let copy = memfd::copy_of(&file, "libapp.so").unwrap();
            let main = Library::open(copy.as_fd()).unwrap().worker_main("rustcorn_worker_app").unwrap();
            assert_eq!(call(main, &seat), value);
            // The descriptor's number is free again for the second copy, which is not the first one for that.
        }
    }

    #[test]
    fn what_is_no_library_is_refused_in_the_loaders_words() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"no library at all").unwrap();
        let error = Library::open(file.as_fd()).unwrap_err();
        assert!(!error.is_empty() && !error.contains("/proc/self"), "{error}");
    }
}
