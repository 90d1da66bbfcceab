//! What a process keeps in memory and how often it wakes.

use anyhow::{Context, Result};
use procfs::process::Process;

use super::tree::tree;

/// The resident set of a process in bytes.
pub fn resident(pid: i32) -> Result<u64> {
    let status = Process::new(pid).and_then(|process| process.status());
    let status = status.with_context(|| format!("cannot read the status of process {pid}"))?;
    Ok(status.vmrss.with_context(|| format!("process {pid} has no resident set"))? * 1024)
}

/// The resident sets of a process and all its descendants in bytes. Pages that they share count once for each of them.
pub fn resident_tree(root: i32) -> Result<u64> {
    tree(root)?.into_iter().map(resident).sum()
}

/// How often the threads of a process have been put on a processor, wanted and unwanted switches together. The growth
/// of this number is the number of wake-ups.
pub fn switches(pid: i32) -> Result<u64> {
    let tasks = Process::new(pid).and_then(|process| process.tasks());
    let mut sum = 0;
    for task in tasks.with_context(|| format!("cannot list the threads of process {pid}"))?.flatten() {
        let status = task.status().with_context(|| format!("cannot read the status of thread {}", task.tid))?;
        sum += status.voluntary_ctxt_switches.unwrap_or(0) + status.nonvoluntary_ctxt_switches.unwrap_or(0);
    }
    Ok(sum)
}

/// The same of a process and all its descendants.
pub fn switches_tree(root: i32) -> Result<u64> {
    tree(root)?.into_iter().map(switches).sum()
}
