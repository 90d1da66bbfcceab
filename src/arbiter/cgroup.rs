//! What the cgroup tells about memory: whether the kernel's OOM killer was the one who sent a KILL.

use std::path::{Path, PathBuf};

/// The counter of OOM kills in our cgroup, and its value when last read.
#[derive(Debug)]
pub struct OomWatch {
    file: Option<PathBuf>,
    seen: u64,
}

/// What the counter says about a death by KILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It rose since the last look: the kernel killed for memory.
    OutOfMemory,
    /// It did not rise.
    NotMemory,
    /// There is no counter here.
    Unknown,
}

impl OomWatch {
    /// Finds the counter of this process's cgroup (version 2, else version 1) and reads it.
    pub fn start() -> Self {
        let membership = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = candidates(&membership).into_iter().find(|file| count(file).is_some());
        let seen = file.as_deref().and_then(count).unwrap_or(0);
        Self { file, seen }
    }

    /// Looks again.
    pub fn verdict(&mut self) -> Verdict {
        let Some(now) = self.file.as_deref().and_then(count) else { return Verdict::Unknown };
        let before = std::mem::replace(&mut self.seen, now);
        if now > before { Verdict::OutOfMemory } else { Verdict::NotMemory }
    }
}

fn count(file: &Path) -> Option<u64> {
    parse_count(&std::fs::read_to_string(file).ok()?)
}

fn parse_count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// The files that may hold the counter, for the text of `/proc/self/cgroup`.
fn candidates(membership: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            files.push(Path::new("/sys/fs/cgroup").join(path).join("memory.events"));
            files.push(PathBuf::from("/sys/fs/cgroup/memory.events"));
        } else if controllers.split(',').any(|name| name == "memory") {
            files.push(Path::new("/sys/fs/cgroup/memory").join(path).join("memory.oom_control"));
            files.push(PathBuf::from("/sys/fs/cgroup/memory/memory.oom_control"));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_cgroups_are_found() {
        let v2 = candidates("0::/system.slice/app.service\n");
        assert_eq!(v2[0], Path::new("/sys/fs/cgroup/system.slice/app.service/memory.events"));
        let v1 = candidates("9:cpu,cpuacct:/\n4:memory:/docker/abc\n");
        assert_eq!(v1[0], Path::new("/sys/fs/cgroup/memory/docker/abc/memory.oom_control"));
        assert!(candidates("garbage").is_empty());
    }

    #[test]
    fn the_counter_is_the_kill_line() {
        assert_eq!(parse_count("low 0\noom 3\noom_kill 2\noom_group_kill 1\n"), Some(2));
        assert_eq!(parse_count("low 0\n"), None);
    }
}
