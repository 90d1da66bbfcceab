//! What `ps` and `top` show for this process.
//!
//! Linux shows the memory in which the kernel left the arguments and, right behind them, the environment. To write a
//! title there, whoever still uses that memory must get a copy first; that is what [`init`] does.

use nix::libc::c_char;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::OnceLock;

unsafe extern "C" {
    /// The C library's list of environment strings, which std reads too.
    static mut environ: *mut *mut c_char;
}

/// The memory that is shown, once nobody else uses it.
struct Area {
    start: usize,
    len: usize,
}

static AREA: OnceLock<Area> = OnceLock::new();

/// Frees the place of the title. To be called once, early and before there are threads. Where it is impossible (an
/// embedding program that has moved its arguments) nothing happens and [`set`] only sets the short name.
pub fn init() {
    if AREA.get().is_some() {
        return;
    }
    let Some(bounds) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Bounds::parse) else {
        return;
    };
    // SAFETY: one thread, as documented, so nobody reads the environment meanwhile; the bounds are the kernel's.
    if unsafe { free(&bounds) } {
        let _ = AREA.set(Area { start: bounds.arg_start, len: bounds.env_end - bounds.arg_start });
    }
}

/// Shows `title` from now on; what does not fit is cut. The first 15 bytes also become the name of the calling thread.
pub fn set(title: &str) {
    let bytes: Vec<u8> = title.bytes().filter(|byte| *byte != 0).collect();
    if let Some(area) = AREA.get() {
        let shown = &bytes[..bytes.len().min(area.len.saturating_sub(1))];
        // SAFETY: init has moved every user of this memory elsewhere, and it belongs to the stack for ever.
        unsafe {
            let start = area.start as *mut u8;
            std::ptr::copy_nonoverlapping(shown.as_ptr(), start, shown.len());
            std::ptr::write_bytes(start.add(shown.len()), 0, area.len - shown.len());
        }
    }
    let _ = set_name(&bytes);
}

fn set_name(bytes: &[u8]) -> io::Result<()> {
    let name = CString::new(&bytes[..bytes.len().min(15)])?;
    // SAFETY: a terminated string that outlives the call.
    nix::errno::Errno::result(unsafe { nix::libc::prctl(nix::libc::PR_SET_NAME, name.as_ptr()) })?;
    Ok(())
}

/// Where the kernel put arguments and environment.
#[derive(Debug, PartialEq)]
struct Bounds {
    /// Where the stack began: at the number of arguments, with the pointers to them right behind it.
    stack: usize,
    arg_start: usize,
    arg_end: usize,
    env_start: usize,
    env_end: usize,
}

impl Bounds {
    /// From the text of `/proc/self/stat`. The second field is the name in parentheses, which may contain anything.
    fn parse(stat: &str) -> Option<Self> {
        let after_name = stat.get(stat.rfind(')')? + 1..)?;
        // The first field here is the third of proc(5); startstack is the 28th, arg_start the 48th.
        let stack = after_name.split_ascii_whitespace().nth(25)?.parse().ok()?;
        let mut addresses = after_name.split_ascii_whitespace().skip(45).map(str::parse);
        let mut next = || addresses.next()?.ok().filter(|address| *address > 0);
        let bounds = Self { stack, arg_start: next()?, arg_end: next()?, env_start: next()?, env_end: next()? };
        let in_order = bounds.arg_start < bounds.arg_end
            && bounds.arg_end == bounds.env_start
            && bounds.env_start <= bounds.env_end;
        in_order.then_some(bounds)
    }

    fn contains(&self, string: *const c_char) -> bool {
        (self.arg_start..self.env_end).contains(&(string as usize))
    }
}

/// Moves the argument and environment strings to the heap, where they stay for ever. False, and nothing is changed,
/// if the list of arguments is not where the C start-up code leaves it.
///
/// # Safety
///
/// Nobody else reads or changes the environment meanwhile.
unsafe fn free(bounds: &Bounds) -> bool {
    // SAFETY: the C library's own pointer; the caller keeps others away.
    let variables = unsafe { environ };
    let count = std::env::args_os().len();
    if variables.is_null() || count == 0 {
        return false;
    }
    // The kernel lays out the number of arguments, the pointers to them, a null, the pointers to the environment. The
    // list of the environment may be elsewhere by now: whoever adds a variable moves it, as Python does at its start in
    // the C locale. std keeps no other copy of the arguments than these pointers.
    let arguments = (bounds.stack as *mut *mut c_char).wrapping_add(1);
    let on_the_stack =
        bounds.stack > 0 && bounds.stack < bounds.arg_start && bounds.arg_start - bounds.stack < (64 << 20);
    if !on_the_stack || !(arguments as usize).is_multiple_of(align_of::<*mut c_char>()) {
        return false;
    }
    // SAFETY: between the stack's beginning and the strings, so mapped and readable whatever is there.
    let genuine = unsafe {
        *arguments.wrapping_sub(1) as usize == count
            && (*arguments) as usize == bounds.arg_start
            && (*arguments.add(count)).is_null()
    };
    if !genuine {
        return false;
    }
    for index in 0..count {
        // SAFETY: inside the array that was just recognised.
        unsafe { move_string(arguments.add(index), bounds) };
    }
    let mut variable = variables;
    // SAFETY: the environment's list ends with a null, and each entry is a string of its own.
    unsafe {
        while !(*variable).is_null() {
            move_string(variable, bounds);
            variable = variable.add(1);
        }
    }
    true
}

/// # Safety
///
/// `place` holds a pointer to a terminated string.
unsafe fn move_string(place: *mut *mut c_char, bounds: &Bounds) {
    // SAFETY: by contract.
    unsafe {
        if bounds.contains(*place) {
            *place = CStr::from_ptr(*place).to_owned().into_raw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;

    #[test]
    fn the_addresses_are_found_behind_a_wild_name() {
        let rest = (3..=47).map(|field| (field * 10).to_string()).collect::<Vec<_>>().join(" ");
        let stat = format!("42 (a) b (c)) {rest} 1000 1010 1010 1500 0\n");
        let bounds = Bounds { stack: 280, arg_start: 1000, arg_end: 1010, env_start: 1010, env_end: 1500 };
        assert_eq!(Bounds::parse(&stat), Some(bounds));
        assert_eq!(Bounds::parse("42 (x) R 1 2 3"), None);
        let apart = format!("42 (x) {rest} 1000 1010 1020 1500 0\n");
        assert_eq!(Bounds::parse(&apart), None, "something else lies between");
        let hidden = format!("42 (x) {rest} 0 0 0 0 0\n");
        assert_eq!(Bounds::parse(&hidden), None);
    }

    #[test]
    fn an_environment_that_has_moved_is_no_obstacle() {
        testkit::alone(module_path!(), "an_environment_that_has_moved_is_no_obstacle", || {
            crate::sys::env::set("RUSTCORN_TEST_MOVES_THE_LIST", "x");
            let variables: Vec<_> = std::env::vars_os().collect();
            init();
            set("short");
            let shown = std::fs::read("/proc/self/cmdline").unwrap();
            assert_eq!(String::from_utf8_lossy(&shown).trim_end_matches('\0'), "short");
            assert_eq!(std::env::vars_os().collect::<Vec<_>>(), variables);
        });
    }

    #[test]
    fn the_title_shows_and_arguments_and_environment_survive() {
        testkit::alone(module_path!(), "the_title_shows_and_arguments_and_environment_survive", || {
            let arguments: Vec<_> = std::env::args_os().collect();
            let variables: Vec<_> = std::env::vars_os().collect();
            init();
            init();
            for title in ["rustcorn: worker 1, generation 2 [hello:router]", "short"] {
                set(title);
                let shown = std::fs::read("/proc/self/cmdline").unwrap();
                let shown = String::from_utf8_lossy(&shown);
                assert_eq!(shown.trim_end_matches('\0'), title);
            }
            let long = "x".repeat(1 << 20);
            set(&long);
            assert_eq!(std::fs::read_to_string("/proc/thread-self/comm").unwrap(), "xxxxxxxxxxxxxxx\n");
            assert_eq!(std::env::args_os().collect::<Vec<_>>(), arguments);
            assert_eq!(std::env::vars_os().collect::<Vec<_>>(), variables);
        });
    }
}
