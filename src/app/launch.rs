//! A fresh child becomes a worker: loads its generation's snapshot and calls the application in it.

use super::snapshot::Snapshot;
use crate::abi::{Report, Seat, WORKER_PREFIX};
use crate::sys::library::{Library, call};
use crate::sys::{fd, write};
use crate::types::exit;
use std::os::fd::AsFd;

/// The worker's whole life, in a child of its own; returns the exit code for it. The snapshot's descriptor has to stay
/// open: the names in backtraces are read through it.
///
/// A library that cannot be loaded is reported on the seat's pipe, and the code is [`exit::APP_LOAD`].
#[must_use]
pub fn launch(snapshot: &Snapshot, seat: &Seat) -> i32 {
    let symbol = format!("{WORKER_PREFIX}{}", snapshot.export);
    match Library::open(snapshot.as_fd()).and_then(|library| library.worker_main(&symbol)) {
        Ok(main) => call(main, seat),
        Err(complaint) => {
            let reason = format!("{} cannot be loaded: {complaint}", snapshot.origin.display());
            report(seat, &Report::BootFailed { code: exit::APP_LOAD, reason });
            exit::APP_LOAD
        }
    }
}

/// Tells the arbiter. If even that fails, the exit code still does.
fn report(seat: &Seat, report: &Report) {
    if let (Some(pipe), Ok(mut line)) = (fd::borrow(seat.report_fd), serde_json::to_string(report)) {
        line.push('\n');
        let _ = write::log_write(pipe, line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{ABI, Vouched};
    use crate::app::AppSpec;
    use crate::app::testkit::{Files, compile, library};
    use crate::sys::testkit;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::ptr::{null, null_mut};

    fn seat(report_fd: i32) -> Seat {
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
            report_fd,
            lifeline_fd: -1,
            log_fd: -1,
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
        testkit::in_fork(|| assert_eq!(launch(&snapshot, &seat(-1)), 42));
    }

    #[test]
    fn a_library_that_misses_another_is_reported_with_its_own_name() {
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

        let (mut read, write) = std::io::pipe().unwrap();
        assert_eq!(launch(&snapshot, &seat(write.as_raw_fd())), exit::APP_LOAD);
        drop(write);
        let mut line = String::new();
        read.read_to_string(&mut line).unwrap();
        let Report::BootFailed { code, reason } = serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap()
        else {
            panic!("{line}");
        };
        assert_eq!(code, exit::APP_LOAD);
        assert!(reason.starts_with(&format!("{} cannot be loaded: ", path.display())), "{reason}");
        assert!(reason.contains("libneeded.so") && !reason.contains("/proc/self"), "{reason}");
    }
}
