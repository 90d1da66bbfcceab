//! The stacks of this process's own threads, even of one that is stuck inside the application.
//!
//! [`capture`] sends PWR to one thread; the handler there notes the return addresses of whatever it interrupted
//! (`handler.rs`), and [`Names`] turns them into names afterwards, in peace. Made for the autopsy of a hung worker:
//! called by its sentinel thread, which never runs application code.

mod handler;
mod names;

use handler::{ASKED, BUSY, DONE, IDLE};
pub use names::{Names, is_naming};
use nix::sys::signal::{SigHandler, Signal as Native};
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One capture at a time: the handler has one buffer.
static TURN: Mutex<()> = Mutex::new(());

/// Installs the PWR handler. PWR from outside goes on into the signal inbox.
pub fn install_tracer() -> io::Result<()> {
    // The first walk makes the unwinder load and initialise what it needs, which a handler must not do.
    // SAFETY: the unsynchronised walk shares nothing with other threads but the resolver, which is not used here.
    unsafe { backtrace::trace_unsynchronized(|_| true) };
    crate::sys::signal::set_handler(Native::SIGPWR, SigHandler::SigAction(handler::on_power))
}

/// The stacks of the calling thread are told from the caller of this function's caller inwards, from now on: what is
/// below is the same in every worker, and belongs to a program whose debug information is not worth reading for it.
/// To be called once in a process.
#[inline(never)]
pub fn begin_stack_here() {
    let here = 0_u8;
    let here = (&raw const here).addr();
    let mut outer = 0;
    // SAFETY: as in `install_tracer`.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            let frame = frame.sp().addr();
            outer += u32::from(frame > here);
            if outer == 2 {
                handler::set_bottom(own_tid(), frame);
            }
            outer < 2
        });
    }
}

/// The return addresses on the stack of thread `tid` of this process, innermost first. None if there is no such
/// thread, or if it did not answer within `patience` (it blocks PWR, or hangs inside the kernel).
#[must_use]
pub fn capture(tid: i32, patience: Duration) -> Option<Vec<usize>> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // A handler that was given up has finished since: its answer is nobody's, the buffer is free.
    let _ = ASKED.compare_exchange(DONE, IDLE, Ordering::AcqRel, Ordering::Relaxed);
    if tid <= 0 || ASKED.compare_exchange(IDLE, tid, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // Not idle: a handler of an earlier capture has not finished, and the buffer is still its own.
        return None;
    }
    let asked_at = Instant::now();
    if !poke(tid) {
        ASKED.store(IDLE, Ordering::Release);
        return None;
    }
    while ASKED.load(Ordering::Acquire) != DONE {
        if asked_at.elapsed() >= patience {
            // Too late: unless the handler is just at work, it will find that nobody asks any more.
            if ASKED.compare_exchange(tid, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return None;
            }
            if asked_at.elapsed() >= patience * 2 && ASKED.load(Ordering::Acquire) == BUSY {
                return None;
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let frames = handler::frames();
    ASKED.store(IDLE, Ordering::Release);
    Some(frames)
}

/// What another handler writes to `file` when the main thread gets `signal`. The file begins empty. None: nothing came
/// in time.
#[must_use]
pub fn written_on_signal(signal: i32, mut file: &File, patience: Duration) -> Option<String> {
    /// What has not grown for so long is complete.
    const SETTLED: Duration = Duration::from_millis(20);
    file.set_len(0).ok()?;
    file.rewind().ok()?;
    // SAFETY: a system call on numbers; the main thread's id is the process's.
    let sent = unsafe { nix::libc::syscall(nix::libc::SYS_tgkill, nix::libc::getpid(), nix::libc::getpid(), signal) };
    if sent != 0 {
        return None;
    }
    let asked_at = Instant::now();
    let (mut length, mut since) = (0, asked_at);
    while asked_at.elapsed() < patience && (length == 0 || since.elapsed() < SETTLED) {
        std::thread::sleep(Duration::from_millis(1));
        let now = file.metadata().ok()?.len();
        if now != length {
            (length, since) = (now, Instant::now());
        }
    }
    let mut text = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut text, 0).ok()?;
    (length > 0).then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Directs PWR at one thread of this process.
fn poke(tid: i32) -> bool {
    // SAFETY: a system call on numbers; a thread that is gone is an error answer.
    unsafe { nix::libc::syscall(nix::libc::SYS_tgkill, nix::libc::getpid(), tid, nix::libc::SIGPWR) == 0 }
}

/// The calling thread's id.
#[must_use]
pub fn own_tid() -> i32 {
    nix::unistd::gettid().as_raw()
}

/// The threads of this process: id and name, oldest first.
#[must_use]
pub fn threads() -> Vec<(i32, String)> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let mut threads: Vec<(i32, String)> = tasks
        .filter_map(|task| {
            let task = task.ok()?;
            let tid = task.file_name().to_str()?.parse().ok()?;
            let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
            Some((tid, name.trim_end().to_owned()))
        })
        .collect();
    threads.sort_unstable();
    threads
}

#[cfg(test)]
mod tests;
