//! What the kernel says about processes: everything here is read from `/proc`.

use super::wait::wait_until;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// One line of `/proc/PID/stat`, as far as the tests need it.
#[derive(Clone, Debug)]
pub struct Stat {
    pub pid: i32,
    pub state: char,
    pub parent: i32,
    pub group: i32,
}

/// The process, if it exists (zombies do).
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything, spaces and parentheses too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    Some(Stat { pid, state, parent, group })
}

/// Every process of the machine.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The living children of a process, oldest first.
pub fn children(pid: i32) -> Vec<i32> {
    let mut found: Vec<i32> =
        all().into_iter().filter(|stat| stat.parent == pid && stat.state != 'Z').map(|stat| stat.pid).collect();
    found.sort_unstable();
    found
}

/// The dead children that nobody has waited for.
pub fn zombies(pid: i32) -> Vec<i32> {
    all().into_iter().filter(|stat| stat.parent == pid && stat.state == 'Z').map(|stat| stat.pid).collect()
}

/// Whether it lives. A zombie does not.
pub fn alive(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z')
}

/// Waits until the process is gone.
#[track_caller]
pub fn wait_gone(pid: i32, limit: Duration) {
    wait_until(&format!("process {pid} gone"), limit, || (!alive(pid)).then_some(()));
}

/// `/proc/PID/status` as a map.
pub fn status(pid: i32) -> BTreeMap<String, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// A number of `/proc/PID/status`, without its unit.
#[track_caller]
pub fn status_number(pid: i32, key: &str) -> u64 {
    let status = status(pid);
    let value = status.get(key).unwrap_or_else(|| panic!("process {pid} has no {key}"));
    value.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{key} is {value}"))
}

/// What its descriptors point at: for the message when there are too many.
pub fn descriptor_targets(pid: i32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut found: Vec<String> =
        entries.flatten().filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect();
    found.sort();
    found
}

/// The command line as `ps` shows it.
pub fn title(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
}

/// Anonymous memory in kB: what a leak would make grow, without the pages of files.
pub fn anonymous_kb(pid: i32) -> u64 {
    status_number(pid, "RssAnon")
}
