//! Making a child.

use super::leave::leave;
use super::{process, signal};
use crate::types::Pid;
use nix::unistd::ForkResult;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What a child's panic makes its exit code; Rust's own number for it.
const PANICKED: i32 = 101;

/// The process that forked this one; 0 if it was not made by [`spawn`].
static FORKED_BY: AtomicI32 = AtomicI32::new(0);

/// The id of the process that made this one by [`spawn`], whether it still lives or not; 0 if none did.
pub(in crate::sys) fn forked_by() -> i32 {
    FORKED_BY.load(Relaxed)
}

/// What an interpreter that this program lives in wants to do around each fork.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// In the parent, before.
    pub before: fn(),
    /// In the parent, after, whether there is a child or not.
    pub in_parent: fn(),
    /// In the child, before anything else of it.
    pub in_child: fn(),
}

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// Has these run around every fork from now on. There is one interpreter, so the first hooks stay.
pub fn set_hooks(hooks: Hooks) {
    let _ = HOOKS.set(hooks);
}

/// The system call, with the hooks around it.
///
/// # Safety
/// This process has one thread.
pub(in crate::sys) unsafe fn raw() -> nix::Result<ForkResult> {
    let Some(hooks) = HOOKS.get() else {
        // SAFETY: the caller's promise.
        return unsafe { nix::unistd::fork() };
    };
    (hooks.before)();
    // SAFETY: as above.
    let forked = unsafe { nix::unistd::fork() };
    match forked {
        Ok(ForkResult::Child) => (hooks.in_child)(),
        Ok(ForkResult::Parent { .. }) | Err(_) => (hooks.in_parent)(),
    }
    forked
}

/// Forks. The child runs `child` and leaves with the code that it returns: it never comes back up the stack, whatever
/// happens, and runs nobody's destructors or exit handlers.
///
/// The child begins with every signal held back, so that none reaches a handler that is its parent's; it lets them
/// through ([`signal::unblock_all`]) when its own handlers stand. The parent's mask is as before.
///
/// Refused while this process has more than one thread: the others would be missing in the child, with whatever locks
/// they hold. An interpreter that has hooks for this stops its threads meanwhile, and is believed to have no others.
pub fn spawn(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    let threads = process::thread_count()?;
    if threads != 1 && HOOKS.get().is_none() {
        return Err(io::Error::other(format!("a process with {threads} threads must not fork")));
    }
    spawn_without_others(child)
}

/// The same for a child of our own parent's, or whoever `adopter` is: it must be the process among our ancestors that
/// gets orphans. The child begins when it has been adopted. Other threads of this process are not in the child, and
/// locks that they hold are never let go there: for a process whose threads are another language's, which has hooks for
/// this.
pub fn spawn_for(adopter: Pid, child: impl FnOnce() -> i32) -> io::Result<Pid> {
    let (told, tell) = super::pipe::blocking()?;
    let between = spawn_without_others(|| {
        let own = nix::unistd::getpid();
        let spawned = spawn_without_others(|| {
            // It dies at once, with nothing left to do.
            while nix::unistd::getppid() == own {
                std::thread::yield_now();
            }
            FORKED_BY.store(adopter.0, Relaxed);
            // Nobody drops them here: this process leaves by `_exit`.
            super::fd::close_number(told.as_raw_fd());
            super::fd::close_number(tell.as_raw_fd());
            child()
        });
        let said = spawned.and_then(|pid| Ok(nix::unistd::write(&tell, &pid.0.to_ne_bytes())?));
        i32::from(said.is_err())
    })?;
    drop(tell);
    super::wait::until_gone(between)?;
    let mut bytes = [0; 4];
    match nix::unistd::read(&told, &mut bytes)? {
        4 => Ok(Pid(i32::from_ne_bytes(bytes))),
        _ => Err(io::Error::other("the process between died before it could fork")),
    }
}

fn spawn_without_others(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    let mask = signal::block_all()?;
    let parent = nix::unistd::getpid();
    // SAFETY: one thread, as was counted, so that the child has all of this process and may do anything; or others that
    // an interpreter has stopped in its hook.
    match unsafe { raw() } {
        Ok(ForkResult::Child) => {
            FORKED_BY.store(parent.as_raw(), Relaxed);
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
    fn hooks_run_on_their_own_sides() {
        static RUNS: AtomicI32 = AtomicI32::new(0);
        testkit::in_fork(|| {
            set_hooks(Hooks {
                before: || RUNS.store(RUNS.load(Relaxed) + 1, Relaxed),
                in_parent: || RUNS.store(RUNS.load(Relaxed) + 10, Relaxed),
                in_child: || RUNS.store(RUNS.load(Relaxed) + 100, Relaxed),
            });
            let child = spawn(|| RUNS.load(Relaxed)).unwrap();
            assert_eq!(RUNS.load(Relaxed), 11);
            assert_eq!(outcome(child), ExitStatus::Code(101));
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
