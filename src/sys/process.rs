//! This process's family.

use crate::types::Pid;
use nix::errno::Errno;
use nix::libc;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How many threads this process has.
pub fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// The parent; 1, or the nearest subreaper, once the true one is gone.
#[must_use]
pub fn parent_pid() -> Pid {
    Pid(nix::unistd::getppid().as_raw())
}

/// Orphans among our descendants become our children from now on, so that we can reap them.
pub fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Whether a process with this id runs. One that is dead and only waits to be reaped does not.
#[cfg(test)]
fn is_pid_alive(pid: Pid) -> bool {
    if pid.0 <= 0 {
        return false;
    }
    match nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.0), None) {
        // EPERM: it is somebody else's.
        Ok(()) | Err(Errno::EPERM) => {
            !std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_dead(&stat))
        }
        Err(_) => false,
    }
}

#[cfg(test)]
fn is_dead(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The program that this command starts is ended (TERM) when this process dies, in whatever way. It begins with no
/// signal held back, so that it can be ended.
pub fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let arrange = move || {
        // SAFETY: a plain system call.
        Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) })?;
        // Died between fork and here: the signal would never come.
        if nix::unistd::getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        super::signal::unblock_all()
    };
    // SAFETY: `arrange` makes three system calls and allocates nothing.
    unsafe { command.pre_exec(arrange) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{fork, signal, testkit, wait};
    use crate::types::{ExitStatus, Signal};
    use std::time::{Duration, Instant};

    fn until(what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !condition() {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn this_process_lives_and_others_do_not() {
        assert!(is_pid_alive(Pid(nix::unistd::getpid().as_raw())));
        assert!(is_pid_alive(Pid(1)));
        assert!(!is_pid_alive(Pid(0)) && !is_pid_alive(Pid(-1)) && !is_pid_alive(Pid(i32::MAX)));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        testkit::in_fork(|| {
            let child = fork::spawn(|| 0).unwrap();
            until("the child is a zombie", || !is_pid_alive(child));
            until("it is reaped", || wait::reap().is_some());
            assert!(!is_pid_alive(child));
        });
        assert!(is_dead("7 (a) b) Z 1 7"));
        assert!(!is_dead("7 (Z) S 1 7"));
    }

    #[test]
    fn a_fork_has_one_thread() {
        testkit::in_fork(|| assert_eq!(thread_count().unwrap(), 1));
    }

    #[test]
    fn orphans_come_to_the_subreaper() {
        testkit::in_fork(|| {
            become_subreaper().unwrap();
            let me = nix::unistd::getpid();
            let child = fork::spawn(|| {
                let parent = Pid(nix::unistd::getpid().as_raw());
                let grandchild = fork::spawn(move || {
                    until("orphaned", || parent_pid() != parent);
                    if nix::unistd::getppid() == me { 42 } else { 1 }
                });
                i32::from(grandchild.is_err())
            })
            .unwrap();
            let mut dead = Vec::new();
            while dead.len() < 2 {
                dead.extend(wait::reap());
                std::thread::yield_now();
            }
            let orphan = dead.iter().find(|reaped| reaped.pid != child).unwrap();
            assert_eq!(orphan.status, ExitStatus::Code(42));
        });
    }

    #[test]
    fn a_started_program_dies_with_us() {
        testkit::in_fork(|| {
            become_subreaper().unwrap();
            let (read, write) = crate::sys::pipe::blocking().unwrap();
            let child = fork::spawn(move || {
                let mut command = Command::new("sleep");
                command.arg("1000");
                die_with_parent(&mut command);
                let id = command.spawn().unwrap().id().to_string();
                nix::unistd::write(&write, id.as_bytes()).unwrap();
                signal::unblock_all().unwrap();
                nix::unistd::pause();
                0
            })
            .unwrap();
            let mut text = [0; 16];
            let count = nix::unistd::read(&read, &mut text).unwrap();
            let sleeper = Pid(std::str::from_utf8(&text[..count]).unwrap().parse().unwrap());
            assert!(is_pid_alive(sleeper));
            signal::send(child, Signal::KILL).unwrap();
            until("it has followed", || !is_pid_alive(sleeper));
        });
    }
}
