//! Collecting dead children.

use crate::types::{ExitStatus, Pid, Signal};
use nix::libc;
use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

/// A child that is gone, and what it has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Which.
    pub pid: Pid,
    /// How it ended.
    pub status: ExitStatus,
    /// Its largest resident set, in KiB.
    pub peak_rss_kb: u64,
    /// The processor time of it and its own reaped children.
    pub cpu: Duration,
}

/// One dead child, ours or one that was left to us (as process 1, or as a subreaper). None if nobody is dead at the
/// moment. Never waits. Call it until it says None: one CHLD may stand for many deaths.
#[must_use]
pub fn reap() -> Option<Reaped> {
    loop {
        let mut status = 0;
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: writes to the two places of ours.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
        if pid == 0 {
            return None;
        }
        if pid < 0 {
            match nix::errno::Errno::last() {
                nix::errno::Errno::EINTR => continue,
                // ECHILD: there are no children at all.
                _ => return None,
            }
        }
        let Some(status) = decode(status) else { continue };
        // SAFETY: zeroed, which is a value, and written by a successful wait4.
        let usage = unsafe { usage.assume_init() };
        return Some(Reaped {
            pid: Pid(pid),
            status,
            peak_rss_kb: u64::try_from(usage.ru_maxrss).unwrap_or(0),
            cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        });
    }
}

/// Waits for the end of this child of ours.
pub fn until_gone(pid: Pid) -> io::Result<()> {
    loop {
        match nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid.0), None) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// None for a child that is merely stopped or continued.
fn decode(status: libc::c_int) -> Option<ExitStatus> {
    if libc::WIFEXITED(status) {
        Some(ExitStatus::Code(libc::WEXITSTATUS(status)))
    } else if libc::WIFSIGNALED(status) {
        let signal = Signal(libc::WTERMSIG(status));
        Some(ExitStatus::Signal { signal, core_dumped: libc::WCOREDUMP(status) })
    } else {
        None
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{fork, signal, testkit};

    #[test]
    fn statuses_are_told_apart() {
        assert_eq!(decode(3 << 8), Some(ExitStatus::Code(3)));
        assert_eq!(decode(9), Some(ExitStatus::Signal { signal: Signal::KILL, core_dumped: false }));
        assert_eq!(decode(6 | 0x80), Some(ExitStatus::Signal { signal: Signal::ABRT, core_dumped: true }));
        assert_eq!(decode(0x137f), None, "stopped");
    }

    #[test]
    fn every_death_is_collected_once() {
        testkit::in_fork(|| {
            assert_eq!(reap(), None, "no children");
            let sleeper = fork::spawn(|| {
                signal::unblock_all().unwrap();
                nix::unistd::pause();
                0
            })
            .unwrap();
            assert_eq!(reap(), None, "nobody is dead");
            let heavy = fork::spawn(|| {
                let ballast = vec![1_u8; 32 << 20];
                i32::from(std::hint::black_box(&ballast)[12345])
            })
            .unwrap();
            signal::send(sleeper, Signal::KILL).unwrap();
            let mut dead = Vec::new();
            while dead.len() < 2 {
                dead.extend(reap());
                std::thread::yield_now();
            }
            let of = |pid| *dead.iter().find(|reaped| reaped.pid == pid).unwrap();
            assert_eq!(of(sleeper).status, ExitStatus::Signal { signal: Signal::KILL, core_dumped: false });
            assert_eq!(of(heavy).status, ExitStatus::Code(1));
            assert!(of(heavy).peak_rss_kb > 30 << 10, "{dead:?}");
            assert_eq!(reap(), None);
        });
    }
}
