//! The PWR handler. It runs inside whatever the thread was doing, so it takes no lock, allocates nothing and leaves
//! errno as it was.

use crate::sys::signal::{Errno, post};
use nix::libc::{c_int, c_void, siginfo_t};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Whose stack is wanted: a thread's id, or one of the three below. The capturing thread moves it from idle to an id
/// and from done to idle; the handler from an id over busy to done.
pub(super) static ASKED: AtomicI32 = AtomicI32::new(IDLE);
/// Nobody's.
pub(super) const IDLE: i32 = 0;
/// The handler is writing.
pub(super) const BUSY: i32 = -1;
/// The handler has written.
pub(super) const DONE: i32 = -2;

/// How much of a stack is kept: the innermost frames.
const DEPTH: usize = 128;
/// What a walk may take of a signal stack, by far not all of which it does.
const ROOM: usize = 3 << 10;
static ADDRESSES: [AtomicUsize; DEPTH] = [const { AtomicUsize::new(0) }; DEPTH];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The thread whose stack is not told to its very end, and the stack pointer of its outermost frame that is.
static SHORTENED: AtomicI32 = AtomicI32::new(0);
static BOTTOM: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Nothing beyond the frame with the stack pointer `bottom` is told of thread `tid`.
pub(super) fn set_bottom(tid: i32, bottom: usize) {
    BOTTOM.store(bottom, Ordering::Relaxed);
    SHORTENED.store(tid, Ordering::Release);
}

/// The handler itself: answers our own [`super::capture`], and passes on what anybody else sends.
pub(super) extern "C" fn on_power(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let _errno = Errno::keep();
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid siginfo; for tgkill and kill it has a sender.
    let directed_by_us = unsafe { (*info).si_code == nix::libc::SI_TKILL && (*info).si_pid() == nix::libc::getpid() };
    if !directed_by_us {
        return post(signal);
    }
    // SAFETY: no memory is involved.
    let own = unsafe { nix::libc::syscall(nix::libc::SYS_gettid) };
    let Ok(own) = i32::try_from(own) else { return };
    // An answer to a question that was given up meanwhile must not disturb the next one.
    if ASKED.compare_exchange(own, BUSY, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        let is_shortened = SHORTENED.load(Ordering::Acquire) == own;
        let bottom = if is_shortened { BOTTOM.load(Ordering::Relaxed) } else { usize::MAX };
        record(interrupted_at(context), has_room(context), bottom);
        ASKED.store(DONE, Ordering::Release);
    }
}

/// Whether what is left of the signal stack that we run on is enough for the unwinder. What a thread gets from Rust's
/// runtime may be filled by the registers alone, on a processor with many of them.
pub(super) fn has_room(context: *mut c_void) -> bool {
    // SAFETY: the third argument of a handler with SA_SIGINFO is a valid ucontext.
    let stack = unsafe { &(*context.cast::<nix::libc::ucontext_t>()).uc_stack };
    // No signal stack: we are on the thread's ordinary one.
    let ordinary = stack.ss_size == 0 || stack.ss_flags & nix::libc::SS_DISABLE != 0;
    let here = (&raw const stack).addr();
    ordinary || here.saturating_sub(stack.ss_sp.addr()) >= ROOM
}

/// Notes the stack from the interrupted instruction outwards. Until the walk meets that instruction it is still among
/// the handler's own frames; without one to look for, everything is kept. Without room for the walk, the instruction is
/// all that is noted. It ends at the frame whose stack pointer is beyond `bottom`.
pub(super) fn record(interrupted: Option<usize>, room: bool, bottom: usize) {
    if !room {
        if let (Some(address), Some(place)) = (interrupted, ADDRESSES.first()) {
            place.store(address + 1, Ordering::Relaxed);
        }
        return COUNT.store(usize::from(interrupted.is_some()), Ordering::Relaxed);
    }
    let mut seen = interrupted.is_none();
    let mut count = 0;
    // SAFETY: unsynchronised walks may run at the same time as long as nothing is resolved, which happens later and
    // elsewhere. The unwinder's own set-up was done by install_tracer.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            let mut address = frame.ip() as usize;
            if !seen && interrupted == Some(address) {
                seen = true;
                // The others are return addresses, which the resolver steps back from; this one is exact.
                address += 1;
            }
            if seen && frame.sp().addr() > bottom {
                return false;
            }
            if seen && let Some(place) = ADDRESSES.get(count) {
                place.store(address, Ordering::Relaxed);
                count += 1;
            }
            count < DEPTH
        });
    }
    COUNT.store(count, Ordering::Relaxed);
}

/// The program counter of the interrupted code, from the registers that the kernel saved.
fn interrupted_at(context: *mut c_void) -> Option<usize> {
    let context = context.cast::<nix::libc::ucontext_t>();
    // SAFETY: the third argument of a handler with SA_SIGINFO is a valid ucontext.
    let registers = unsafe { &(*context).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    return usize::try_from(registers.gregs[nix::libc::REG_RIP as usize].cast_unsigned()).ok();
    #[cfg(target_arch = "aarch64")]
    return usize::try_from(registers.pc).ok();
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = registers;
        None
    }
}

/// What the handler noted. To be called between done and idle.
pub(super) fn frames() -> Vec<usize> {
    let count = COUNT.load(Ordering::Relaxed);
    ADDRESSES.iter().take(count).map(|address| address.load(Ordering::Relaxed)).collect()
}
