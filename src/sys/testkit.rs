//! How tests of this module get a process of their own: what they do to signals, forks and descriptors concerns the
//! whole process, and `cargo test` runs many tests in one.

use crate::types::Pid;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

const MARK: &str = "RUSTCORN_TEST_ALONE";

/// Runs `body` in a fresh process of the test binary that runs only this test. `path` is the test's full name below
/// the crate, as `module_path!` and the function's name give it.
#[track_caller]
pub fn alone(module: &str, name: &str, body: impl FnOnce()) {
    let full = format!("{}::{name}", module.split_once("::").map_or("", |(_, rest)| rest));
    if std::env::var(MARK).is_ok_and(|running| running == full) {
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &full, "--nocapture", "--test-threads=1"])
        .env(MARK, &full)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{full} failed in its own process:\n{said}");
    assert!(said.contains("1 passed"), "no such test: {full}\n{said}");
}

/// Runs `body` in a forked child, which has one thread whatever the test binary has; a panic fails the test.
#[track_caller]
pub fn in_fork(body: impl FnOnce()) {
    // SAFETY: glibc's own fork handlers keep the allocator usable in the child, which runs `body` and leaves by _exit.
    let pid = unsafe { nix::libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        let code = if catch_unwind(AssertUnwindSafe(body)).is_ok() { 0 } else { 101 };
        super::leave::leave(code);
    }
    let mut status = 0;
    // SAFETY: waits for our own child, into our own integer.
    let waited = unsafe { nix::libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((waited, status), (pid, 0), "the forked part of the test failed");
}

/// Forks a child as an application does it: it inherits all handlers, and waits for a signal that ends it.
pub fn waiting_child() -> Pid {
    // SAFETY: the child calls nothing but what a handler might.
    let pid = unsafe { nix::libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        nix::unistd::alarm::set(20);
        loop {
            nix::unistd::pause();
        }
    }
    Pid(pid)
}
