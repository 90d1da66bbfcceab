//! Functions and lines for return addresses.
//!
//! To find them the debug information of a whole library is read and indexed: a tenth of a second, and about twice the
//! library's size in memory. So what was found is remembered by address (the stacks of one worker resemble each other),
//! and everything else is given back at once: a worker that told its stacks must not stay large for the rest of its life.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many addresses are remembered, with a line of text or a few for each.
const REMEMBERED: usize = 1024;

static KNOWN: Mutex<Option<HashMap<usize, Vec<String>>>> = Mutex::new(None);
static AT_WORK: AtomicBool = AtomicBool::new(false);

/// Whether debug information is being read: this process needs more memory than it does otherwise.
#[must_use]
pub fn is_naming() -> bool {
    AT_WORK.load(Ordering::Relaxed)
}

/// Finds names, for one stack or several. What that needed is given back when this is dropped.
pub struct Names {
    known: MutexGuard<'static, Option<HashMap<usize, Vec<String>>>>,
    here: Option<PathBuf>,
}

impl Default for Names {
    fn default() -> Self {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { known, here: std::env::current_dir().ok() }
    }
}

impl Names {
    /// What [`capture`](super::capture) found, as lines like `shop::routes::pay at src/routes.rs:42`; several for one
    /// address where the compiler inlined. Reads debug information from disk: slow, and not for a handler.
    #[must_use]
    pub fn of(&mut self, addresses: &[usize]) -> Vec<String> {
        let known = self.known.get_or_insert_default();
        let here = self.here.as_deref();
        let mut lines = Vec::with_capacity(addresses.len());
        for address in addresses {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            lines.extend_from_slice(known.entry(*address).or_insert_with(|| find(*address, here)));
        }
        lines
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        if AT_WORK.load(Ordering::Relaxed) {
            backtrace::clear_symbol_cache();
            // SAFETY: it may be called at any time; without glibc's allocator in use it has nothing to give back.
            #[cfg(target_env = "gnu")]
            unsafe {
                nix::libc::malloc_trim(0);
            }
            AT_WORK.store(false, Ordering::Relaxed);
        }
    }
}

fn find(address: usize, here: Option<&Path>) -> Vec<String> {
    AT_WORK.store(true, Ordering::Relaxed);
    let mut lines = Vec::new();
    backtrace::resolve(address as *mut std::ffi::c_void, |symbol| {
        if let Some(name) = symbol.name() {
            lines.push(line(&format!("{name:#}"), symbol.filename(), symbol.lineno(), here));
        }
    });
    if lines.is_empty() {
        lines.push(format!("{address:#x}"));
    }
    lines
}

fn line(name: &str, file: Option<&Path>, number: Option<u32>, here: Option<&Path>) -> String {
    let mut line = name.to_owned();
    if let Some(file) = file {
        // Writing to a String cannot fail.
        let _ = write!(line, " at {}", short(file, here));
        if let Some(number) = number {
            let _ = write!(line, ":{number}");
        }
    }
    line
}

/// A path as its reader calls it: relative to the working directory, and without where cargo and rustc keep things.
fn short(file: &Path, here: Option<&Path>) -> String {
    if let Some(below) = here.and_then(|here| file.strip_prefix(here).ok()) {
        return below.display().to_string();
    }
    let text = file.display().to_string();
    let after = |mark: &str| text.split_once(mark).and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
    after("/registry/src/").or_else(|| after("/rustc/")).map_or_else(|| text.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{stats, testkit};

    #[test]
    fn what_was_read_is_given_back_and_what_was_found_is_kept() {
        testkit::alone(module_path!(), "what_was_read_is_given_back_and_what_was_found_is_kept", || {
            let before = stats::rss_bytes().unwrap();
            let address = find as *const () as usize + 1;
            let mut names = Names::default();
            let lines = names.of(&[address]);
            assert!(lines.iter().any(|line| line.contains("find at ")), "{lines:?}");
            assert!(is_naming());
            let meanwhile = stats::rss_bytes().unwrap();
            drop(names);
            let after = stats::rss_bytes().unwrap();
            let grown = |now: u64| now.saturating_sub(before) >> 20;
            assert!(grown(meanwhile) > 8, "this test proves nothing: {} MB", grown(meanwhile));
            assert!(grown(after) < grown(meanwhile) / 4, "{} MB, then {} MB", grown(meanwhile), grown(after));
            // Nothing is read a second time.
            let mut names = Names::default();
            assert_eq!(names.of(&[address, address]), [lines.clone(), lines].concat());
            assert!(!is_naming());
        });
    }

    #[test]
    fn paths_are_shortened() {
        let here = Some(Path::new("/home/me/shop"));
        let cases = [
            ("/home/me/shop/src/lib.rs", "src/lib.rs"),
            ("/home/me/other/src/lib.rs", "/home/me/other/src/lib.rs"),
            ("/home/me/.cargo/registry/src/index.crates.io-123/axum-0.8.9/src/lib.rs", "axum-0.8.9/src/lib.rs"),
            ("/rustc/0123abcd/library/std/src/thread/mod.rs", "library/std/src/thread/mod.rs"),
        ];
        for (path, shown) in cases {
            assert_eq!(short(Path::new(path), here), shown);
        }
        assert_eq!(
            line("shop::pay", Some(Path::new("/home/me/shop/src/a.rs")), Some(3), here),
            "shop::pay at src/a.rs:3"
        );
        assert_eq!(line("memcpy", None, None, here), "memcpy");
    }
}
