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
    /// number, for the life of the process: backtraces read their names from there, and the dynamic loader takes the
    /// same number for the same library.
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
    use crate::sys::{memfd, testkit};
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};

    /// A library in C, so that the test needs no second cargo build.
    fn build(source: &str) -> File {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libapp.so");
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        compiler.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
        assert!(compiler.wait().unwrap().success());
        File::open(path).unwrap()
    }

    /// A seat for workers that hardly look at it.
    fn seat(abi: u32) -> Seat {
        // SAFETY: a seat of zeros is one of null pointers and empty lists.
        let mut seat: Seat = unsafe { std::mem::zeroed() };
        seat.abi = abi;
        seat
    }

    #[test]
    fn a_copy_in_memory_is_loaded_and_called() {
        testkit::in_fork(|| {
            let file =
                build("struct seat { unsigned abi; }; int rustcorn_worker_app(struct seat *s) { return s->abi; }");
            let copy = memfd::copy_of(&file, "libapp.so").unwrap();
            let library = Library::open(copy.as_fd()).unwrap();
            let main = library.worker_main("rustcorn_worker_app").unwrap();
            let missing = library.worker_main("rustcorn_worker_other").unwrap_err();
            assert!(missing.contains("rustcorn_worker_other"), "{missing}");
            assert_eq!(call(main, &seat(42)), 42);
        });
    }

    #[test]
    fn two_copies_are_two_libraries() {
        testkit::in_fork(|| {
            let copy = |value: u32| {
                let file = build(&format!("int rustcorn_worker_app(void *s) {{ return {value}; }}"));
                memfd::copy_of(&file, "libapp.so").unwrap()
            };
            let copies = [copy(1), copy(2)];
            let mains = copies
                .each_ref()
                .map(|copy| Library::open(copy.as_fd()).unwrap().worker_main("rustcorn_worker_app").unwrap());
            assert_eq!(mains.map(|main| call(main, &seat(0))), [1, 2]);
        });
    }

    #[test]
    fn what_is_no_library_is_refused_in_the_loaders_words() {
        testkit::in_fork(|| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"no library at all").unwrap();
            let error = Library::open(file.as_fd()).unwrap_err();
            assert!(!error.is_empty() && !error.contains("/proc/self"), "{error}");
        });
    }
}
