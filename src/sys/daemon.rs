//! Going into the background, without losing the answer to "did it start?".

use super::leave::leave;
use super::{fd, fork, pipe, process};
use crate::types::exit;
use nix::unistd::{self, ForkResult};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// In the pipe: the daemon's word, with the exit code for the launching process behind it.
const TOLD: u8 = b'=';
/// In the pipe: the second fork failed, with the errno behind it.
const FAILED: u8 = b'!';

/// The daemon's connection to the process that launched it, which is waiting. If it is dropped without a word (or the
/// daemon dies), the launching process leaves with code 1.
#[derive(Debug)]
pub struct Readiness(OwnedFd);

impl Readiness {
    /// Lets the launching process leave, with this code. It may be gone already, by Ctrl-C: no matter.
    pub fn tell(self, code: u8) {
        let _ = File::from(self.0).write_all(&[TOLD, code]);
    }
}

/// Goes into the background: returns in a process that has no terminal and is nobody's child. The launching process
/// waits in here for [`Readiness::tell`] and never returns. Directory, umask and standard streams stay as they are,
/// so that what goes wrong during the start is still seen; see [`silence_stdio`].
///
/// To be called with one thread, and with what must survive already open: listeners, logs.
pub fn detach() -> io::Result<Readiness> {
    let threads = process::thread_count()?;
    if threads != 1 {
        return Err(io::Error::other(format!("a process with {threads} threads cannot become a daemon")));
    }
    let (read, write) = pipe::blocking()?;
    // SAFETY: one thread, as was just counted.
    match unsafe { fork::raw()? } {
        ForkResult::Parent { child } => {
            drop(write);
            let answer = wait_for_word(File::from(read));
            // The one in the middle is gone by now or will be at once.
            let _ = nix::sys::wait::waitpid(child, None);
            match answer {
                Ok(code) => leave(code),
                Err(error) => Err(error),
            }
        }
        ForkResult::Child => {
            drop(read);
            // A session of its own has no terminal; its leader could get one again, its leader's child cannot.
            let second = unistd::setsid().and_then(|_| {
                // SAFETY: still one thread.
                unsafe { fork::raw() }
            });
            match second {
                Ok(ForkResult::Child) => {
                    super::signal::inherit();
                    Ok(Readiness(write))
                }
                Ok(ForkResult::Parent { .. }) => leave(exit::OK),
                Err(errno) => {
                    let mut word = vec![FAILED];
                    word.extend((errno as i32).to_ne_bytes());
                    let _ = File::from(write).write_all(&word);
                    leave(exit::FAILURE)
                }
            }
        }
    }
}

/// What the daemon says, or that it dies without a word.
fn wait_for_word(mut pipe: File) -> io::Result<i32> {
    let mut word = Vec::new();
    let _ = pipe.read_to_end(&mut word);
    match word.split_first() {
        Some((&TOLD, [code, ..])) => Ok(i32::from(*code)),
        Some((&FAILED, errno)) => {
            let errno = errno.try_into().map_or(nix::libc::EIO, i32::from_ne_bytes);
            Err(io::Error::from_raw_os_error(errno))
        }
        _ => Ok(exit::FAILURE),
    }
}

/// Lets go of the terminal: the standard streams lead nowhere from now on.
pub fn silence_stdio() -> io::Result<()> {
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    unistd::dup2_stdin(&nowhere)?;
    unistd::dup2_stdout(&nowhere)?;
    unistd::dup2_stderr(&nowhere)?;
    if nowhere.as_raw_fd() <= 2 {
        // A stream was closed when we began, and the file has taken its place: it must stay.
        fd::set_cloexec(nowhere.as_fd(), false)?;
        std::mem::forget(nowhere);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{fork, signal, testkit, wait};
    use crate::types::{ExitStatus, Pid, Signal};

    /// Launches in a child, so that "the launching process leaves" has somebody to see it.
    fn launch(daemon: impl FnOnce(Readiness) -> i32) -> ExitStatus {
        let launcher = fork::spawn(|| match detach() {
            Ok(readiness) => daemon(readiness),
            Err(_) => 99,
        })
        .unwrap();
        loop {
            match wait::reap() {
                Some(reaped) if reaped.pid == launcher => return reaped.status,
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn the_launching_process_leaves_with_the_daemons_word() {
        for code in [0, 3] {
            testkit::in_fork(|| {
                let status = launch(move |readiness| {
                    readiness.tell(code);
                    0
                });
                assert_eq!(status, ExitStatus::Code(i32::from(code)));
            });
        }
    }

    #[test]
    fn a_daemon_that_dies_without_a_word_is_a_failure() {
        testkit::in_fork(|| {
            let status = launch(|_readiness| {
                signal::unblock_all().unwrap();
                let _ = signal::send(Pid(unistd::getpid().as_raw()), Signal::KILL);
                0
            });
            assert_eq!(status, ExitStatus::Code(exit::FAILURE));
        });
    }

    #[test]
    fn a_daemon_has_a_session_that_it_does_not_lead() {
        testkit::in_fork(|| {
            let outside = unistd::getsid(None).unwrap();
            let status = launch(move |readiness| {
                let (own, session) = (unistd::getpid(), unistd::getsid(None).unwrap());
                readiness.tell(u8::from(session == outside || session == own));
                0
            });
            assert_eq!(status, ExitStatus::Code(0));
        });
    }

    #[test]
    fn silence_leads_nowhere() {
        testkit::in_fork(|| {
            silence_stdio().unwrap();
            for number in 0..=2 {
                let target = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
                assert_eq!(target.to_str(), Some("/dev/null"));
            }
        });
    }

    #[test]
    fn words_are_understood() {
        let said = |bytes: &[u8]| {
            let (read, write) = pipe::blocking().unwrap();
            File::from(write).write_all(bytes).unwrap();
            wait_for_word(File::from(read))
        };
        assert_eq!(said(&[TOLD, 4]).unwrap(), 4);
        assert_eq!(said(&[]).unwrap(), exit::FAILURE);
        let failed: Vec<u8> = std::iter::once(FAILED).chain(nix::libc::EAGAIN.to_ne_bytes()).collect();
        assert_eq!(said(&failed).unwrap_err().raw_os_error(), Some(nix::libc::EAGAIN));
    }
}
