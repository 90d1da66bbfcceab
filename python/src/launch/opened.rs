//! What the program had open before it called us: files, pipes and sockets that objects of its own, and so of the
//! application, still use in the workers.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// The flag of descriptors that disappear on exec, as the kernel tells it.
const CLOEXEC: u32 = 0o2_000_000;

/// Descriptors, each with what it stood for: a number that was closed since may be the arbiter's own by now.
#[derive(Default)]
pub(super) struct Opened(Vec<(i32, Identity)>);

type Identity = (u64, u64);

impl Opened {
    /// All that are open now, but for the standard streams and those that this process was started with: these are the
    /// arbiter's business, which may want them closed.
    pub(super) fn now() -> Self {
        let Ok(entries) = fs::read_dir("/proc/self/fd") else { return Self::default() };
        let numbers: Vec<i32> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect();
        // The folder itself is closed again by now, and has no identity.
        let own = numbers.into_iter().filter(|fd| is_closed_on_exec(*fd));
        Self(own.filter_map(|fd| Some((fd, identity(fd)?))).collect())
    }

    /// Those that still stand for the same.
    pub(super) fn still(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().filter(|(fd, before)| identity(*fd) == Some(*before)).map(|(fd, _)| *fd)
    }
}

fn is_closed_on_exec(fd: i32) -> bool {
    let facts = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let flags = facts.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & CLOEXEC != 0)
}

fn identity(fd: i32) -> Option<Identity> {
    let facts = fs::metadata(format!("/proc/self/fd/{fd}")).ok()?;
    Some((facts.dev(), facts.ino()))
}
