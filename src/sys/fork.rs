//! Making a child.

use super::leave::leave;
use super::{process, signal};
use crate::types::Pid;
use nix::unistd::ForkResult;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a child's panic makes its exit code; Rust's own number for it.
const PANICKED: i32 = 101;

/// Forks. The child runs `child` and leaves with the code that it returns: it never comes back up the stack, whatever
/// happens, and runs nobody's destructors or exit handlers.
///
/// The child begins with every signal held back, so that none reaches a handler that is its parent's; it lets them
/// through ([`signal::unblock_all`]) when its own handlers stand. The parent's mask is as before.
///
/// Refused while this process has more than one thread: the others would be missing in the child, with whatever locks
/// they hold.
pub fn spawn(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    let threads = process::thread_count()?;
    if threads != 1 {
        return Err(io::Error::other(format!("a process with {threads} threads must not fork")));
    }
    let mask = signal::block_all()?;
    // SAFETY: one thread, as was just counted: the child has all of this process and may do anything.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Child) => {
            let code = catch_unwind(AssertUnwindSafe(child)).unwrap_or(PANICKED);
            leave(code)
        }
        Ok(ForkResult::Parent { child }) => {
            signal::restore(&mask)?;
            Ok(Pid(child.as_raw()))
        }
        Err(errno) => {
            signal::restore(&mask)?;
            Err(errno.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{testkit, wait};
    use crate::types::{ExitStatus, Signal};

    fn outcome(pid: Pid) -> ExitStatus {
        loop {
            if let Some(reaped) = wait::reap() {
                assert_eq!(reaped.pid, pid);
                return reaped.status;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn threads_forbid_it() {
        let (_stay, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || wait.recv());
        let error = spawn(|| 0).unwrap_err();
        assert!(error.to_string().contains("threads must not fork"), "{error}");
        drop(_stay);
        let _ = thread.join();
    }

    #[test]
    fn the_code_and_the_panic_of_the_child_are_its_exit() {
        testkit::in_fork(|| {
            assert_eq!(outcome(spawn(|| 7).unwrap()), ExitStatus::Code(7));
            let panics = spawn(|| {
                std::panic::set_hook(Box::new(|_| {}));
                panic!("on purpose")
            });
            assert_eq!(outcome(panics.unwrap()), ExitStatus::Code(PANICKED));
        });
    }

    #[test]
    fn signals_wait_until_the_child_lets_them_through() {
        testkit::in_fork(|| {
            let child = spawn(|| {
                let me = Pid(nix::unistd::getpid().as_raw());
                signal::send(me, Signal::TERM).unwrap();
                signal::reset_handlers();
                signal::unblock_all().unwrap();
                0
            });
            let status = outcome(child.unwrap());
            assert_eq!(status, ExitStatus::Signal { signal: Signal::TERM, core_dumped: false });
            // The parent hears signals as before.
            let mask = signal::block_all().unwrap();
            assert!(!format!("{mask:?}").contains("SIGTERM"), "{mask:?}");
        });
    }
}
