//! A child that is not yet able to notice that its parent is gone.
//!
//! A worker watches its lifeline, but only once its own thread for that runs; until then the application's library is
//! loaded, whose initialisers may hang. An arbiter that dies in that time would leave a process that holds the ports
//! for ever. So for that time the kernel is asked to end the child with its parent.

#[cfg(feature = "arbiter")]
use super::fork;
use nix::errno::Errno;
use nix::libc;
use std::io;

/// This process is killed when the one that forked it dies, in whatever way. For a fresh child of
/// [`fork::spawn`](super::fork::spawn), after it has taken on its user: the kernel forgets the wish when that changes.
/// Tells whether the parent is still there: one that died before the wish was made will never have the signal sent.
#[cfg(feature = "arbiter")]
pub fn die_with_arbiter() -> io::Result<bool> {
    wish_for(libc::SIGKILL)?;
    Ok(nix::unistd::getppid().as_raw() == fork::forked_by())
}

/// From now on this process notices by itself, and ends in its own way.
pub fn outlive_arbiter() -> io::Result<()> {
    wish_for(0)
}

fn wish_for(signal: i32) -> io::Result<()> {
    // SAFETY: a plain system call.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) })?;
    Ok(())
}

#[cfg(all(test, feature = "arbiter"))]
mod tests {
    use super::*;
    use crate::sys::{process, signal, testkit, wait};
    use crate::types::{ExitStatus, Pid, Signal};
    use std::time::{Duration, Instant};

    /// Forks a child that forks a grandchild, which does `arrange` and waits to be orphaned; kills the child, and tells
    /// how the grandchild ends. It ends with code 7 if it notices by itself.
    fn end_of_an_orphan(arrange: fn() -> io::Result<()>) -> ExitStatus {
        process::become_subreaper().unwrap();
        let (told, tell) = crate::sys::pipe::blocking().unwrap();
        let child = fork::spawn(move || {
            let parent = Pid(nix::unistd::getpid().as_raw());
            let grandchild = fork::spawn(move || {
                arrange().unwrap();
                nix::unistd::write(&tell, b"x").unwrap();
                let deadline = Instant::now() + Duration::from_secs(10);
                while process::parent_pid() == parent && Instant::now() < deadline {
                    std::thread::yield_now();
                }
                // The signal comes before the new parent is seen, yet another moment does no harm.
                std::thread::sleep(Duration::from_millis(50));
                7
            });
            grandchild.unwrap();
            signal::unblock_all().unwrap();
            nix::unistd::pause();
            0
        })
        .unwrap();
        nix::unistd::read(&told, &mut [0]).unwrap();
        signal::send(child, Signal::KILL).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            assert!(Instant::now() < deadline, "the orphan lives on");
            match wait::reap() {
                Some(reaped) if reaped.pid != child => return reaped.status,
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_child_can_die_with_its_parent_and_can_outlive_it() {
        let killed = ExitStatus::Signal { signal: Signal::KILL, core_dumped: false };
        testkit::in_fork(|| assert_eq!(end_of_an_orphan(|| die_with_arbiter().map(|_| ())), killed));
        let outlives = || die_with_arbiter().and_then(|_| outlive_arbiter());
        testkit::in_fork(move || assert_eq!(end_of_an_orphan(outlives), ExitStatus::Code(7)));
    }

    #[test]
    fn a_parent_that_is_gone_already_is_told() {
        testkit::in_fork(|| {
            // This process was not made by `fork::spawn`: whoever its parent is, it is not the expected one.
            assert!(!die_with_arbiter().unwrap());
            outlive_arbiter().unwrap();
        });
    }
}
