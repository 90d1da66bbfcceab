//! Processor time of a whole process tree, in nanoseconds: user and system together, as the scheduler accounts them.

use anyhow::{Context, Result, bail};
use procfs::process::Process;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::tree::tree;

/// How long a tree must have been quiet to be at rest, and how much it may still use in that time.
const QUIET: Duration = Duration::from_millis(200);
const QUIET_CPU: Duration = Duration::from_millis(2);

/// The processor time that each thread of a tree had used at one instant.
#[derive(Debug)]
pub struct Cpu(BTreeMap<(i32, i32), u64>);

impl Cpu {
    /// Reads the clocks of every thread of `root` and its descendants.
    pub fn of(root: i32) -> Result<Self> {
        Self::of_all(&tree(root)?)
    }

    /// Reads the clocks of the threads of this very program, without its children.
    pub fn ours() -> Result<Self> {
        Self::of_all(&[Process::myself().context("cannot read /proc/self")?.pid])
    }

    fn of_all(pids: &[i32]) -> Result<Self> {
        let mut clocks = BTreeMap::new();
        for pid in pids.iter().copied() {
            // A descendant that has just left takes its clocks with it; `since` notices.
            let Ok(tasks) = Process::new(pid).and_then(|process| process.tasks()) else { continue };
            for task in tasks.flatten() {
                if let Ok(clock) = task.schedstat() {
                    clocks.insert((pid, task.tid), clock.sum_exec_runtime);
                }
            }
        }
        if clocks.is_empty() {
            bail!("/proc shows no schedstat for {pids:?}: this kernel does not account processor time per thread");
        }
        Ok(Self(clocks))
    }

    /// The time used since `earlier`. An error if a thread has ended in between, since its last time is lost then.
    pub fn since(&self, earlier: &Self) -> Result<Duration> {
        for (pid, tid) in earlier.0.keys() {
            if !self.0.contains_key(&(*pid, *tid)) {
                bail!("thread {tid} of process {pid} ended during the measurement");
            }
        }
        let total: u64 = self.0.iter().map(|(key, now)| now - earlier.0.get(key).copied().unwrap_or(0)).sum();
        Ok(Duration::from_nanos(total))
    }
}

/// Waits until the tree under `root` has stopped working: booted, or recovered from what was done to it.
pub fn rest(root: i32, deadline: Instant) -> Result<()> {
    let mut before = Cpu::of(root)?;
    loop {
        if Instant::now() > deadline {
            bail!("process {root} and its children do not come to rest");
        }
        std::thread::sleep(QUIET);
        let now = Cpu::of(root).with_context(|| format!("process {root} left while it was waited for"))?;
        if now.since(&before).is_ok_and(|used| used < QUIET_CPU) {
            return Ok(());
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn work_of_this_process_is_seen_and_sleep_is_not_counted_as_work() {
        let me = i32::try_from(std::process::id()).unwrap();
        let before = Cpu::of(me).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            black_box((0..1000).sum::<u64>());
        }
        let now = Cpu::of(me).unwrap();
        // Threads of other tests come and go, which is what `since` refuses: compare this thread alone.
        let tid = procfs::process::Process::myself().unwrap().task_main_thread().unwrap().tid;
        assert!(now.0.contains_key(&(me, tid)));
        let used: u64 = now.0.iter().filter_map(|(key, clock)| Some(clock - before.0.get(key)?)).sum();
        assert!(used > 1_000_000, "{used} ns");
    }

    #[test]
    fn a_thread_that_ended_voids_the_measurement() {
        let before = Cpu(BTreeMap::from([((1, 1), 5), ((1, 2), 7)]));
        let after = Cpu(BTreeMap::from([((1, 1), 50)]));
        assert!(after.since(&before).is_err());
    }

    #[test]
    fn threads_are_added_up_and_newcomers_count_whole() {
        let before = Cpu(BTreeMap::from([((1, 1), 5), ((1, 2), 7)]));
        let after = Cpu(BTreeMap::from([((1, 1), 15), ((1, 2), 10), ((2, 2), 100)]));
        assert_eq!(after.since(&before).unwrap(), Duration::from_nanos(113));
    }
}
