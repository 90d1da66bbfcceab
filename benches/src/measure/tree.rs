//! Processes and their descendants.

use anyhow::{Context, Result};
use procfs::process::Process;

/// Whether the process exists; a zombie does, until its parent has reaped it.
pub fn exists(pid: i32) -> bool {
    Process::new(pid).is_ok()
}

/// The living children of a process, in the order of their birth. Zombies are not counted.
pub fn children(pid: i32) -> Result<Vec<i32>> {
    let process = Process::new(pid).with_context(|| format!("process {pid} is gone"))?;
    let mut found = Vec::new();
    // A child hangs on the thread that forked it.
    for task in process.tasks().with_context(|| format!("cannot list the threads of {pid}"))?.flatten() {
        found.extend(task.children().unwrap_or_default().into_iter().filter_map(|child| i32::try_from(child).ok()));
    }
    found.retain(|child| Process::new(*child).is_ok_and(|child| child.is_alive()));
    Ok(found)
}

/// The process and all its living descendants.
pub fn tree(pid: i32) -> Result<Vec<i32>> {
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        // Descendants may leave while we look; only the root must be there.
        match children(found[next]) {
            Ok(more) => found.extend(more),
            Err(error) if next == 0 => return Err(error),
            Err(_) => {}
        }
        next += 1;
    }
    Ok(found)
}
