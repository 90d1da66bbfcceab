//! From a handler to a poll loop: the signal's number, as one byte, through a non-blocking pipe, in order of arrival.

use super::{native, set_handler};
use crate::types::Signal;
use nix::sys::signal::{SigHandler, Signal as Native};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// The write end that handlers use; -1 before the first [`Inbox`]. A process has one inbox: the newest.
static WRITE_END: AtomicI32 = AtomicI32::new(-1);

/// The process that made the inbox; zero: there is none. One that the application has forked inherits the handlers and the
/// write end, and what it is sent is not meant for us.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Signals that found the pipe full, one bit each: late and out of order, but not lost.
static MISSED: AtomicU64 = AtomicU64::new(0);

/// Puts errno back at its end, so that the interrupted code does not see the handler's.
pub(in crate::sys) struct Errno(nix::libc::c_int);

impl Errno {
    pub(in crate::sys) fn keep() -> Self {
        // SAFETY: the thread's own errno.
        Self(unsafe { *nix::libc::__errno_location() })
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { *nix::libc::__errno_location() = self.0 };
    }
}

/// This process goes on in the place of the one that made the inbox, as a daemon does.
#[cfg(feature = "arbiter")]
pub(in crate::sys) fn inherit() {
    OWNER.store(nix::unistd::getpid().as_raw(), Ordering::Relaxed);
}

/// Whether this process was forked from the one that made the inbox, which goes on to hear its own signals.
pub(super) fn is_forked() -> bool {
    ![0, nix::unistd::getpid().as_raw()].contains(&OWNER.load(Ordering::Relaxed))
}

/// Lets a signal do what it does by default, as soon as its handler has returned. Called from handlers: sigaction(2) and
/// raise(3) may be called there.
pub(super) fn take_effect(signal: i32) {
    let Ok(native) = Native::try_from(signal) else { return };
    if set_handler(native, SigHandler::SigDfl).is_ok() {
        let _ = nix::sys::signal::raise(native);
    }
}

/// Puts a signal into the inbox. Called from handlers: atomics and write(2) only, and what [`take_effect`] does.
pub(in crate::sys) fn post(signal: i32) {
    if is_forked() {
        return take_effect(signal);
    }
    let byte = u8::try_from(signal).unwrap_or(0);
    // SAFETY: writes one byte of ours; a stale or missing descriptor is an error answer.
    let written = unsafe { nix::libc::write(WRITE_END.load(Ordering::Relaxed), (&raw const byte).cast(), 1) };
    if written != 1 && byte < 64 {
        MISSED.fetch_or(1 << byte, Ordering::Relaxed);
    }
}

extern "C" fn on_signal(signal: nix::libc::c_int) {
    let _errno = Errno::keep();
    post(signal);
}

extern "C" fn on_nothing(signal: nix::libc::c_int) {
    let _errno = Errno::keep();
    if is_forked() {
        take_effect(signal);
    }
}

/// Where the signals of this process arrive.
#[derive(Debug)]
pub struct Inbox {
    read_end: OwnedFd,
}

impl Inbox {
    /// Installs handlers for `signals`, which arrive here from now on, and ignores PIPE. A second call (a forked child
    /// that becomes something else) takes over from the first.
    pub fn install(signals: &[Signal]) -> io::Result<Self> {
        let inbox = Self::replace()?;
        for signal in signals {
            set_handler(native(*signal)?, SigHandler::Handler(on_signal))?;
        }
        set_handler(Native::SIGPIPE, SigHandler::SigIgn)?;
        Ok(inbox)
    }

    fn replace() -> io::Result<Self> {
        let (read_end, write_end) = crate::sys::pipe::nonblocking()?;
        // The former write end stays open: a handler in another thread may be about to use its number.
        WRITE_END.store(write_end.into_raw_fd(), Ordering::Relaxed);
        OWNER.store(nix::unistd::getpid().as_raw(), Ordering::Relaxed);
        Ok(Self { read_end })
    }

    /// Takes everything that has arrived, oldest first. Never waits.
    pub fn drain(&mut self, into: &mut Vec<Signal>) {
        let mut bytes = [0; 256];
        loop {
            match nix::unistd::read(self.read_end.as_fd(), &mut bytes) {
                Ok(0) => break,
                Ok(count) => into.extend(bytes.iter().take(count).map(|byte| Signal(i32::from(*byte)))),
                Err(nix::errno::Errno::EINTR) => {}
                // EAGAIN: empty. Anything else cannot happen to a pipe of ours, and must not become a busy loop.
                Err(_) => break,
            }
        }
        let missed = MISSED.swap(0, Ordering::Relaxed);
        into.extend((1..64).filter(|number| missed & (1 << number) != 0).map(Signal));
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }
}

impl AsRawFd for Inbox {
    fn as_raw_fd(&self) -> i32 {
        self.read_end.as_raw_fd()
    }
}

/// A worker's inbox: TERM, QUIT, INT, USR1, and PWR when it comes from outside (the stack traces of all threads are
/// wanted; see `sys::trace` for the PWR that a worker sends to itself).
#[derive(Debug)]
pub struct WorkerInbox(Inbox);

impl WorkerInbox {
    /// The signals that a worker acts on, besides PWR.
    const HEARD: [Signal; 4] = [Signal::TERM, Signal::QUIT, Signal::INT, Signal::USR1];
    /// Meant for the arbiter; sent to a worker by mistake they must not end it.
    const UNHEARD: [Signal; 5] = [Signal::HUP, Signal::USR2, Signal::TTIN, Signal::TTOU, Signal::WINCH];

    /// Installs the handlers and the tracer. The mask is left alone: unblock afterwards.
    pub fn install() -> io::Result<Self> {
        let inbox = Inbox::install(&Self::HEARD)?;
        for signal in Self::UNHEARD {
            // An empty handler and not SIG_IGN, which every program that the application starts would inherit.
            set_handler(native(signal)?, SigHandler::Handler(on_nothing))?;
        }
        crate::sys::trace::install_tracer()?;
        Ok(Self(inbox))
    }

    /// Hears these signals again if somebody else in this process has installed handlers for them, which are called too.
    pub fn share() -> io::Result<()> {
        let ours = on_signal as extern "C" fn(nix::libc::c_int) as usize;
        Self::HEARD.into_iter().try_for_each(|signal| super::share::share(signal, ours))
    }

    /// As [`Inbox::drain`].
    pub fn drain(&mut self, into: &mut Vec<Signal>) {
        self.0.drain(into);
    }
}

impl AsFd for WorkerInbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::signal::send;
    use crate::sys::{poll, testkit};
    use crate::types::Pid;
    use std::time::Duration;

    fn me() -> Pid {
        Pid(nix::unistd::getpid().as_raw())
    }

    /// Reads until `count` signals are there. With several threads a signal to the process arrives when it likes.
    fn take(inbox: &mut Inbox, count: usize) -> Vec<Signal> {
        let mut got = Vec::new();
        while got.len() < count && poll::wait(&[inbox.as_fd()], Some(Duration::from_secs(5))).unwrap() != [false] {
            inbox.drain(&mut got);
        }
        got
    }

    #[test]
    fn signals_arrive_in_order() {
        testkit::in_fork(|| {
            let mut inbox = Inbox::install(&[Signal::HUP, Signal::TERM, Signal::USR1]).unwrap();
            for signal in [Signal::USR1, Signal::HUP, Signal::TERM, Signal::HUP] {
                send(me(), signal).unwrap();
            }
            assert_eq!(take(&mut inbox, 4), [Signal::USR1, Signal::HUP, Signal::TERM, Signal::HUP]);
            let mut none = Vec::new();
            inbox.drain(&mut none);
            assert_eq!(none, []);
        });
    }

    #[test]
    fn a_full_pipe_loses_no_kind_of_signal() {
        testkit::in_fork(|| {
            let mut inbox = Inbox::install(&[Signal::HUP, Signal::TERM]).unwrap();
            for _ in 0..70_000 {
                send(me(), Signal::HUP).unwrap();
            }
            send(me(), Signal::TERM).unwrap();
            let mut got = Vec::new();
            inbox.drain(&mut got);
            assert!(got.len() > 1000);
            assert!(got.contains(&Signal::TERM));
        });
    }

    #[test]
    fn the_second_inbox_takes_over() {
        testkit::in_fork(|| {
            let mut old = Inbox::install(&[Signal::HUP]).unwrap();
            let mut new = Inbox::install(&[Signal::HUP]).unwrap();
            send(me(), Signal::HUP).unwrap();
            assert_eq!(take(&mut new, 1), [Signal::HUP]);
            let mut none = Vec::new();
            old.drain(&mut none);
            assert_eq!(none, []);
        });
    }

    #[test]
    fn a_worker_hears_its_own_signals_and_survives_the_arbiters() {
        testkit::in_fork(|| {
            let mut inbox = WorkerInbox::install().unwrap();
            for signal in WorkerInbox::UNHEARD.iter().chain(&[Signal::TERM, Signal::PWR, Signal::QUIT]) {
                send(me(), *signal).unwrap();
            }
            assert_eq!(take(&mut inbox.0, 3), [Signal::TERM, Signal::PWR, Signal::QUIT]);
        });
    }

    #[test]
    fn what_a_forked_child_is_sent_is_its_own() {
        testkit::in_fork(|| {
            let mut inbox = WorkerInbox::install().unwrap();
            for signal in [Signal::TERM, Signal::QUIT, Signal::INT, Signal::USR1, Signal::HUP, Signal::PWR] {
                let child = testkit::waiting_child();
                send(child, signal).unwrap();
                let end = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child.0), None).unwrap();
                assert!(
                    matches!(end, nix::sys::wait::WaitStatus::Signaled(_, by, _) if by as i32 == signal.0),
                    "{end:?}"
                );
            }
            let mut heard = Vec::new();
            inbox.drain(&mut heard);
            assert_eq!(heard, []);
        });
    }

    #[test]
    fn errno_survives_a_handler() {
        nix::errno::Errno::ENOTTY.set();
        {
            let _errno = Errno::keep();
            nix::errno::Errno::EIO.set();
        }
        assert_eq!(nix::errno::Errno::last(), nix::errno::Errno::ENOTTY);
    }
}
