//! A fresh child becomes a worker: loads its generation's snapshot and calls the application in it.

use super::snapshot::Snapshot;
use crate::abi::{Seat, WORKER_PREFIX, WorkerMain};
use crate::sys::library::{Library, call};
use std::os::fd::AsFd;

/// Loads the copy into this process, for good, and finds the worker in it. The snapshot's descriptor has to stay open:
/// the names in backtraces are read through it.
///
/// # Errors
/// The dynamic loader's complaint in one sentence, with the name that the operator knows the library by.
pub fn load(snapshot: &Snapshot) -> Result<WorkerMain, String> {
    let symbol = format!("{WORKER_PREFIX}{}", snapshot.export);
    let main = Library::open(snapshot.as_fd()).and_then(|library| library.worker_main(&symbol));
    main.map_err(|complaint| format!("{} cannot be loaded: {complaint}", snapshot.origin.display()))
}

/// The worker's whole life, in a child of its own; returns the exit code for it.
///
/// # Errors
/// As [`load`].
pub fn launch(snapshot: &Snapshot, seat: &Seat) -> Result<i32, String> {
    load(snapshot).map(|main| call(main, seat))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{ABI, Vouched};
    use crate::app::AppSpec;
    use crate::app::testkit::{Files, compile, library};
    use crate::sys::testkit;
    use std::ptr::{null, null_mut};

    fn seat() -> Seat {
        Seat {
            abi: ABI,
            size: u32::try_from(size_of::<Seat>()).unwrap(),
            slot: 2,
            generation: 1,
            orders: null(),
            orders_len: 0,
            listeners: null(),
            listeners_len: 0,
            lane: 0,
            report_fd: -1,
            lifeline_fd: -1,
            log_fd: -1,
            tls_fd: -1,
            access_fd: -1,
            scoreboard: null_mut(),
            scoreboard_len: 0,
            vouched: Vouched::ours(),
        }
    }

    #[test]
    fn the_copy_runs_although_the_file_is_gone() {
        let files = Files::new(&[]);
        let path = files.write("libtiny.so", library());
        let snapshot = Snapshot::take(&AppSpec::parse("tiny").unwrap(), &path).unwrap();
        std::fs::remove_file(path).unwrap();
        // Elsewhere: the dynamic loader would take another test's library for this one once it has the same number.
        testkit::in_fork(|| assert_eq!(launch(&snapshot, &seat()), Ok(42)));
    }

    #[test]
    fn a_library_that_misses_another_is_named_as_the_operator_knows_it() {
        let files = Files::new(&[]);
        let source = r#"
            #[link(name = "needed")] unsafe extern "C" { fn needed(); }
            #[unsafe(no_mangle)] pub static rustcorn_stamp_router: [u32; 8] = [ABI, SEAT, 0, 0, 0, 0, 0, 0];
            #[unsafe(no_mangle)] pub extern "C" fn rustcorn_worker_router() { unsafe { needed() } }
        "#;
        let source = source.replace("ABI", &ABI.to_string()).replace("SEAT", &size_of::<Seat>().to_string());
        let needed = "#[unsafe(no_mangle)] pub extern \"C\" fn needed() {}";
        let needed = compile(&files.root(), "libneeded.so", "cdylib", needed);
        let path = compile(&files.root(), "libtiny.so", "cdylib", &source);
        std::fs::remove_file(needed).unwrap();
        let snapshot = Snapshot::take(&AppSpec::parse("tiny").unwrap(), &path).unwrap();

        let reason = launch(&snapshot, &seat()).unwrap_err();
        assert!(reason.starts_with(&format!("{} cannot be loaded: ", path.display())), "{reason}");
        assert!(reason.contains("libneeded.so") && !reason.contains("/proc/self"), "{reason}");
    }
}
