//! A roomy stack for the signal handlers of a thread.
//!
//! The stack that Rust's runtime gives its threads for signals (8 KiB, or little more than what the kernel needs for
//! the registers) is made for one short message. The tracer walks the interrupted stack there, beside registers that
//! take 4 KiB with AVX-512 and 11 with AMX. So the threads that serve get one of 64 KiB. Threads that have none at all
//! run handlers on their ordinary stack, and for those with a small one see `trace::handler`.

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

/// Beside the registers, enough for the unwinder many times over.
const SIZE: usize = 64 << 10;
/// Never touched: a handler that needs more than all of it faults, instead of writing into somebody's memory.
const GUARD: usize = 64 << 10;

thread_local! {
    static OWN: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// Gives this thread a stack of its own for signal handlers, until it ends. A second call does nothing.
pub fn install() -> io::Result<()> {
    OWN.with_borrow_mut(|own| {
        if own.is_none() {
            *own = Some(SignalStack::new()?);
        }
        Ok(())
    })
}

/// The mapping, the guard first.
struct SignalStack(NonNull<c_void>);

impl SignalStack {
    fn new() -> io::Result<Self> {
        let len = NonZeroUsize::MIN.saturating_add(GUARD + SIZE - 1);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that exists.
        let start =
            unsafe { mmap_anonymous(None, len, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE)? };
        let stack = Self(start);
        // SAFETY: the beginning of our own mapping, which nobody uses.
        unsafe { mprotect(start, GUARD, ProtFlags::PROT_NONE)? };
        let wanted = libc::stack_t { ss_sp: stack.usable(), ss_flags: 0, ss_size: SIZE };
        // SAFETY: memory that stays until `drop`, which disables it first.
        Errno::result(unsafe { libc::sigaltstack(&raw const wanted, std::ptr::null_mut()) })?;
        Ok(stack)
    }

    fn usable(&self) -> *mut c_void {
        self.0.as_ptr().wrapping_byte_add(GUARD)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: asks for the present stack, and takes it away if it is ours, on which nobody runs: destructors are
        // not run by handlers. Then the mapping is nobody's.
        unsafe {
            let mut now = std::mem::zeroed::<libc::stack_t>();
            if libc::sigaltstack(std::ptr::null(), &raw mut now) == 0 && now.ss_sp == self.usable() {
                let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: SIZE };
                libc::sigaltstack(&raw const none, std::ptr::null_mut());
            }
            let _ = munmap(self.0, GUARD + SIZE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present() -> libc::stack_t {
        // SAFETY: only asks.
        unsafe {
            let mut now = std::mem::zeroed::<libc::stack_t>();
            assert_eq!(libc::sigaltstack(std::ptr::null(), &raw mut now), 0);
            now
        }
    }

    #[test]
    fn a_thread_gets_one_and_gives_it_back() {
        let first = std::thread::spawn(|| {
            install().unwrap();
            let stack = present();
            assert_eq!((stack.ss_flags, stack.ss_size), (0, SIZE));
            install().unwrap();
            assert_eq!(present().ss_sp, stack.ss_sp);
            let end = stack.ss_sp as usize + SIZE;
            // SAFETY: inside the stack, on which nobody runs.
            unsafe { stack.ss_sp.cast::<u8>().write(1) };
            end
        });
        let end = first.join().unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let range = format!("{:x}-{end:x}", end - SIZE);
        assert!(!maps.contains(&range), "{range} is still there:\n{maps}");
    }
}
