//! Signals that somebody else in this process listens to as well: an interpreter installs a handler of its own when its
//! application asks for one, and the worker must go on hearing.

use super::inbox::{is_forked, take_effect};
use super::{Errno, native, post};
use crate::types::Signal;
use nix::libc::{self, c_int, c_void, siginfo_t};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

const KINDS: usize = 65;

/// The handlers of others, by signal; zero: there is none.
static OTHERS: [AtomicUsize; KINDS] = [const { AtomicUsize::new(0) }; KINDS];

extern "C" fn on_shared(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let _errno = Errno::keep();
    let other = usize::try_from(signal).ok().and_then(|signal| OTHERS.get(signal));
    let other = other.map_or(0, |other| other.load(Ordering::Relaxed));
    if !is_forked() {
        post(signal);
    } else if other == 0 {
        take_effect(signal);
    }
    if other != 0 {
        // SAFETY: it was the handler that the kernel would have called. One that takes a single argument finds it where
        // it expects it, by the C calling convention of every system that this program is built for.
        let other: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = unsafe { std::mem::transmute(other) };
        other(signal, info, context);
    }
}

/// Puts itself in front of the handler of this signal, unless it is one of ours that posts it already (`ours`).
pub(super) fn share(signal: Signal, ours: usize) -> io::Result<()> {
    let number = native(signal)? as c_int;
    let Some(other) = usize::try_from(number).ok().and_then(|number| OTHERS.get(number)) else { return Ok(()) };
    // SAFETY: all zero is a sigaction; the kernel fills it.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the present action.
    if unsafe { libc::sigaction(number, std::ptr::null(), &raw mut now) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let shared = on_shared as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize;
    if now.sa_sigaction == shared || now.sa_sigaction == ours {
        return Ok(());
    }
    let has_handler = ![libc::SIG_DFL, libc::SIG_IGN].contains(&now.sa_sigaction);
    other.store(if has_handler { now.sa_sigaction } else { 0 }, Ordering::Relaxed);
    now.sa_sigaction = shared;
    now.sa_flags |= libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: a handler that does nothing but write to a pipe, and what was the handler before.
    if unsafe { libc::sigaction(number, &raw const now, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::sys::signal::{WorkerInbox, native, send, set_handler};
    use crate::sys::testkit;
    use crate::types::Signal;
    use nix::libc::c_int;
    use nix::sys::signal::SigHandler;
    use nix::sys::wait::{WaitStatus, waitpid};

    extern "C" fn leave(_: c_int) {
        // SAFETY: ends the process, and does nothing else.
        unsafe { nix::libc::_exit(7) }
    }

    #[test]
    fn in_a_forked_child_only_the_other_handler_is_called() {
        testkit::in_fork(|| {
            let mut inbox = WorkerInbox::install().unwrap();
            set_handler(native(Signal::TERM).unwrap(), SigHandler::Handler(leave)).unwrap();
            WorkerInbox::share().unwrap();
            let child = testkit::waiting_child();
            send(child, Signal::TERM).unwrap();
            let child = nix::unistd::Pid::from_raw(child.0);
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 7));
            let mut heard = Vec::new();
            inbox.drain(&mut heard);
            assert_eq!(heard, []);
        });
    }
}
