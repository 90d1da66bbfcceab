//! Signals: sending, masking, handlers, and the pipe through which they reach a poll loop.
//!
//! A handler of this crate does one thing: it writes the signal's number into a pipe ([`Inbox`]). The only other one
//! is the tracer's (`sys::trace`).

mod inbox;
mod share;

#[cfg(feature = "arbiter")]
pub(in crate::sys) use inbox::inherit;
pub(in crate::sys) use inbox::{Errno, post};
pub use inbox::{Inbox, WorkerInbox};

use crate::types::{Pid, Signal};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal as Native, sigaction, sigprocmask};
use std::io;

/// The signals that were blocked at some moment.
#[derive(Clone, Debug)]
pub struct Mask(SigSet);

/// Holds back every signal of this thread that can be held back and returns what was held back before.
pub fn block_all() -> io::Result<Mask> {
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    Ok(Mask(before))
}

/// Puts a mask back. Signals that arrived meanwhile arrive now.
pub fn restore(mask: &Mask) -> io::Result<()> {
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask.0), None)?)
}

/// Lets every signal through: what a fresh child or a fresh program wants, whatever its parent had blocked.
pub fn unblock_all() -> io::Result<()> {
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
}

/// Lets these signals through besides those that pass already.
pub fn unblock(signals: &[Signal]) -> io::Result<()> {
    let set = signals.iter().map(|signal| native(*signal)).collect::<io::Result<SigSet>>()?;
    Ok(sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&set), None)?)
}

/// Gives every signal its default meaning again, but leaves PIPE ignored: a write to a closed pipe or socket is an
/// error to be handled, in every process of this house.
///
/// The handlers of SEGV and BUS stay: they are those of Rust's runtime, which say that a thread has overflowed its
/// stack before the process dies. They work in a forked child too, for the thread that forked. They know the threads
/// of the program only and not those that an application's library starts, since that has a Rust runtime of its own,
/// which is never asked to install its handlers: an overflow there is a bare SEGV.
pub fn reset_handlers() {
    for signal in Native::iterator().filter(|signal| !matches!(signal, Native::SIGKILL | Native::SIGSTOP)) {
        if matches!(signal, Native::SIGSEGV | Native::SIGBUS) && has_handler(signal) {
            continue;
        }
        let handler = if signal == Native::SIGPIPE { SigHandler::SigIgn } else { SigHandler::SigDfl };
        // Fails for the two that have no handlers, and for no other.
        let _ = set_handler(signal, handler);
    }
}

fn has_handler(signal: Native) -> bool {
    let mut now = std::mem::MaybeUninit::<nix::libc::sigaction>::zeroed();
    // SAFETY: only asks for the present action; all zero is one.
    let now = unsafe {
        nix::libc::sigaction(signal as i32, std::ptr::null(), now.as_mut_ptr());
        now.assume_init()
    };
    ![nix::libc::SIG_DFL, nix::libc::SIG_IGN].contains(&now.sa_sigaction)
}

/// Does something that would install a handler of this signal, which keeps the action that it has.
pub fn keeping<T>(signal: Signal, run: impl FnOnce() -> T) -> io::Result<T> {
    let number = native(signal)? as i32;
    let mut before = std::mem::MaybeUninit::<nix::libc::sigaction>::zeroed();
    // SAFETY: only asks for the present action; all zero is one.
    if unsafe { nix::libc::sigaction(number, std::ptr::null(), before.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let done = run();
    // SAFETY: it was the action of this signal a moment ago.
    if unsafe { nix::libc::sigaction(number, before.as_ptr(), std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(done)
}

/// Ignores a signal from now on. Programs that this process starts inherit that.
pub fn ignore(signal: Signal) -> io::Result<()> {
    set_handler(native(signal)?, SigHandler::SigIgn)
}

/// Sends a signal. `Ok(false)` if there is no such process (any more).
pub fn send(pid: Pid, signal: Signal) -> io::Result<bool> {
    // 0 and below mean groups, or everybody: no slip of arithmetic may ever reach those.
    if pid.0 <= 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a process id is greater than zero"));
    }
    deliver(nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.0), native(signal)?))
}

/// Sends a signal to every process of the group that `leader` leads. `Ok(false)` if it has none (any more).
pub fn send_group(leader: Pid, signal: Signal) -> io::Result<bool> {
    if leader.0 <= 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a process group's leader is greater than one"));
    }
    deliver(nix::sys::signal::killpg(nix::unistd::Pid::from_raw(leader.0), native(signal)?))
}

fn deliver(answer: nix::Result<()>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(nix::errno::Errno::ESRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn native(signal: Signal) -> io::Result<Native> {
    Ok(Native::try_from(signal.0)?)
}

/// Interrupted system calls of the application go on by themselves, and a thread with a signal stack uses it.
const FLAGS: SaFlags = SaFlags::SA_RESTART.union(SaFlags::SA_ONSTACK);

pub(in crate::sys) fn set_handler(signal: Native, handler: SigHandler) -> io::Result<()> {
    let mut flags = FLAGS;
    flags.set(SaFlags::SA_SIGINFO, matches!(handler, SigHandler::SigAction(_)));
    // SAFETY: the handlers of this crate only do what a handler may: atomics and write(2), errno put back (Inbox), and
    // what `sys::trace` explains.
    unsafe { sigaction(signal, &SigAction::new(handler, flags, SigSet::empty()))? };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;

    #[test]
    fn sending_to_nobody_says_so() {
        testkit::in_fork(|| {
            // A child of ours that is reaped is a number that nobody has for a while.
            // SAFETY: the forked test has one thread; its child leaves at once.
            let pid = unsafe { nix::libc::fork() };
            if pid == 0 {
                // SAFETY: as above.
                unsafe { nix::libc::_exit(0) };
            }
            nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None).unwrap();
            assert!(!send(Pid(pid), Signal::TERM).unwrap());
        });
    }

    #[test]
    fn groups_are_out_of_reach() {
        for pid in [0, -1, -5] {
            assert_eq!(send(Pid(pid), Signal::TERM).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(send_group(Pid(pid), Signal::TERM).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_blocked_signal_waits_and_reset_means_default() {
        testkit::in_fork(|| {
            let before = block_all().unwrap();
            let me = Pid(nix::unistd::getpid().as_raw());
            assert!(send(me, Signal::TERM).unwrap());
            assert!(send(me, Signal::USR1).unwrap());
            ignore(Signal::TERM).unwrap();
            ignore(Signal::USR1).unwrap();
            restore(&before).unwrap();
            reset_handlers();
            unblock_all().unwrap();
            let action = |signal: i32| {
                let mut now = std::mem::MaybeUninit::<nix::libc::sigaction>::zeroed();
                // SAFETY: only asks for the present action.
                unsafe {
                    nix::libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr());
                    now.assume_init().sa_sigaction
                }
            };
            assert_eq!(action(Signal::TERM.0), nix::libc::SIG_DFL);
            assert_eq!(action(nix::libc::SIGPIPE), nix::libc::SIG_IGN);
            // The test binary's runtime has installed one.
            assert!(has_handler(Native::SIGSEGV) && !has_handler(Native::SIGTERM) && !has_handler(Native::SIGPIPE));
        });
    }
}
