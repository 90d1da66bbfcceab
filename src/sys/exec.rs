//! Starting the next arbiter beside this one.

use super::leave::leave;
use super::{fd, fork, orphan, pipe, signal};
use crate::types::Pid;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal as Native};
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the child does before it becomes the program.
pub struct Prelude<'a> {
    /// This.
    pub run: &'a dyn Fn(),
    /// And this if the program cannot be executed.
    pub failed: &'a dyn Fn(&io::Error),
}

/// Starts `exe` with exactly these arguments (the first is its own name), this environment and this directory. It
/// begins with the standard streams and the descriptors `fds`, under the numbers that they have here, and nothing
/// else; with no signal blocked and none handled or ignored.
///
/// A program that cannot be executed is an error here, not a child that dies: the child tells its errno through a pipe
/// that a successful exec closes. Unless there is a prelude: that may take any time, and nobody waits for it.
pub fn spawn_upgrade(
    exe: &Path,
    argv: &[OsString],
    env: &[(OsString, OsString)],
    cwd: BorrowedFd<'_>,
    fds: &[RawFd],
    prelude: Option<&Prelude<'_>>,
) -> io::Result<Pid> {
    let exe = c_string(exe.as_os_str())?;
    let argv = argv.iter().map(|word| c_string(word)).collect::<io::Result<Vec<_>>>()?;
    let env = env.iter().map(variable).collect::<io::Result<Vec<_>>>()?;
    let (read, write) = pipe::blocking()?;
    let pid = fork::spawn(|| {
        let played = prelude.map_or(Ok(()), play);
        let error = played.err().unwrap_or_else(|| become_program(&exe, &argv, &env, cwd, fds, &write));
        if let Some(prelude) = prelude {
            (prelude.failed)(&error);
            leave(127)
        }
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        let _ = nix::unistd::write(&write, &errno.to_ne_bytes());
        leave(127)
    })?;
    drop(write);
    if prelude.is_some() {
        return Ok(pid);
    }
    let mut answer = Vec::new();
    // End of file: exec has closed the other end.
    File::from(read).read_to_end(&mut answer)?;
    match <[u8; 4]>::try_from(answer) {
        Err(_) => Ok(pid),
        Ok(errno) => {
            // It is on its way out and must not come up later as a child that nobody knows.
            let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid.0), None);
            Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
        }
    }
}

/// In the child, which until it is another program ends with its parent and by any signal.
fn play(prelude: &Prelude<'_>) -> io::Result<()> {
    signal::reset_handlers();
    if !orphan::die_with_arbiter()? {
        leave(0)
    }
    signal::unblock_all()?;
    (prelude.run)();
    orphan::outlive_arbiter()
}

/// In the child: returns only if it failed.
fn become_program(
    exe: &CString,
    argv: &[CString],
    env: &[CString],
    cwd: BorrowedFd<'_>,
    fds: &[RawFd],
    errors: &OwnedFd,
) -> io::Error {
    let prepare = || -> io::Result<()> {
        nix::unistd::fchdir(cwd)?;
        // Whatever this process had inherited itself, without close-on-exec, stays behind.
        close_on_exec_from(3);
        for number in fds {
            let kept = fd::borrow(*number).ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
            fd::set_cloexec(kept, false)?;
        }
        fd::set_cloexec(errors.as_fd(), true)?;
        signal::reset_handlers();
        signal::set_handler(Native::SIGPIPE, SigHandler::SigDfl)?;
        signal::unblock_all()
    };
    if let Err(error) = prepare() {
        return error;
    }
    match nix::unistd::execve(exe, argv, env) {
        Ok(never) => match never {},
        Err(errno) => errno.into(),
    }
}

fn close_on_exec_from(first: u32) {
    // SAFETY: sets flags; in a child that will exec or leave. A kernel that does not know it (before 5.11) leaves
    // inherited strangers open, as any exec would.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

fn variable((name, value): &(OsString, OsString)) -> io::Result<CString> {
    let mut text = name.clone();
    text.push("=");
    text.push(value);
    c_string(&text)
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{testkit, wait};
    use crate::types::{ExitStatus, Signal};
    use std::os::fd::{AsRawFd, IntoRawFd};

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    /// Runs a shell script as the upgrade; returns what it wrote to `$OUT`.
    fn run(script: &str, fds: &[RawFd]) -> String {
        let (read, write) = pipe::blocking().unwrap();
        let root = File::open("/").unwrap();
        let mut keep = fds.to_vec();
        keep.push(write.as_raw_fd());
        let env = [("OUT".into(), write.as_raw_fd().to_string().into())];
        let argv = words(&["my-name", "-c", &format!("exec >&$OUT; {script}")]);
        spawn_upgrade(Path::new("/bin/sh"), &argv, &env, root.as_fd(), &keep, None).unwrap();
        drop(write);
        let mut text = String::new();
        File::from(read).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn name_directory_and_environment_are_as_given() {
        testkit::in_fork(|| {
            assert_eq!(run("echo $0 $PWD ${HOME-none}", &[]), "my-name / none\n");
        });
    }

    #[test]
    fn only_the_named_descriptors_survive() {
        testkit::in_fork(|| {
            let (kept, _write) = pipe::blocking().unwrap();
            let (stray, _other) = pipe::blocking().unwrap();
            // Also one that would have been inherited.
            fd::set_cloexec(&stray, false).unwrap();
            let (kept, stray) = (kept.into_raw_fd(), stray.into_raw_fd());
            let state = |fd: RawFd| format!("if [ -e /proc/$$/fd/{fd} ]; then echo open; else echo closed; fi");
            assert_eq!(run(&format!("{}; {}", state(kept), state(stray)), &[kept]), "open\nclosed\n");
        });
    }

    #[test]
    fn signals_are_as_at_the_beginning_of_the_world() {
        testkit::in_fork(|| {
            let _mask = signal::block_all().unwrap();
            signal::ignore(Signal::TERM).unwrap();
            let _inbox = signal::Inbox::install(&[Signal::HUP]).unwrap();
            let text = run("cat /proc/self/status", &[]);
            // cat is a child of the shell, and both leave signals as they are. Those above 31 are the C library's.
            let classic = |field: &str| {
                let set = text.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim();
                u64::from_str_radix(set, 16).unwrap() & 0x7fff_ffff
            };
            assert_eq!(["SigBlk:", "SigIgn:", "SigCgt:"].map(classic), [0, 0, 0]);
        });
    }

    #[test]
    fn what_cannot_be_executed_is_an_error_and_leaves_no_child() {
        testkit::in_fork(|| {
            let root = File::open("/").unwrap();
            let start = |path: &str| spawn_upgrade(Path::new(path), &words(&["x"]), &[], root.as_fd(), &[], None);
            assert_eq!(start("/no/such/program").unwrap_err().kind(), io::ErrorKind::NotFound);
            assert_eq!(start("/etc/passwd").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(wait::reap(), None);
        });
    }

    #[test]
    fn a_program_that_starts_is_our_child() {
        testkit::in_fork(|| {
            let root = File::open("/").unwrap();
            let argv = words(&["sh", "-c", "exit 5"]);
            let pid = spawn_upgrade(Path::new("/bin/sh"), &argv, &[], root.as_fd(), &[], None).unwrap();
            let reaped = loop {
                if let Some(reaped) = wait::reap() {
                    break reaped;
                }
                std::thread::yield_now();
            };
            assert_eq!((reaped.pid, reaped.status), (pid, ExitStatus::Code(5)));
        });
    }
    #[test]
    fn a_prelude_runs_in_the_child_and_nobody_waits_for_it() {
        testkit::in_fork(|| {
            let root = File::open("/").unwrap();
            let (heard, tell) = pipe::blocking().unwrap();
            let (go_on, say_so) = pipe::blocking().unwrap();
            let run = || {
                nix::unistd::read(&go_on, &mut [0]).unwrap();
                nix::unistd::write(&tell, &nix::unistd::getpid().as_raw().to_ne_bytes()).unwrap();
            };
            let failed = |error: &io::Error| {
                nix::unistd::write(&tell, &error.raw_os_error().unwrap_or(0).to_ne_bytes()).unwrap();
            };
            let prelude = Prelude { run: &run, failed: &failed };
            let path = Path::new("/no/such/program");
            let pid = spawn_upgrade(path, &words(&["x"]), &[], root.as_fd(), &[], Some(&prelude)).unwrap();
            assert_eq!(wait::reap(), None, "it has only begun");
            nix::unistd::write(&say_so, b"x").unwrap();
            for said in [pid.0, libc::ENOENT] {
                let mut bytes = [0; 4];
                nix::unistd::read(&heard, &mut bytes).unwrap();
                assert_eq!(i32::from_ne_bytes(bytes), said);
            }
            wait::until_gone(pid).unwrap();
        });
    }
}
