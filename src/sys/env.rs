//! Changing the environment of this process, which is only sound while it has one thread: in the arbiter and in a
//! fresh child.

use std::ffi::{OsStr, OsString};

/// Reads a variable and removes it, so that it is believed once and not handed on. None if it is not set.
pub fn take(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    remove(name);
    Some(value)
}

/// Removes a variable.
pub fn remove(name: &str) {
    // SAFETY: one thread, which is this module's condition: nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
}

/// Sets a variable.
pub fn set(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
    // SAFETY: as above.
    unsafe { std::env::set_var(name, value) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;

    #[test]
    fn a_taken_variable_is_gone() {
        testkit::in_fork(|| {
            set("RUSTCORN_TEST_VARIABLE", "x");
            assert_eq!(take("RUSTCORN_TEST_VARIABLE"), Some("x".into()));
            assert_eq!(take("RUSTCORN_TEST_VARIABLE"), None);
        });
    }
}
