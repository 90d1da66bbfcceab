//! Processors of their own: with one worker the server runs on one and the load on another, so that neither takes the
//! other's time or cache and a saturated server is seen as one.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread.
const THIS: Pid = Pid::from_raw(0);

/// Who runs where in a one-worker measurement; nobody is told anything if there is only one processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpus {
    /// The server's.
    pub server: Option<usize>,
    /// The load generator's.
    pub load: Option<usize>,
}

impl Cpus {
    /// The first processor that this program may use for the server, the last for the load: far apart where some are
    /// threads of one core.
    pub fn choose() -> Result<Self> {
        let set = sched_getaffinity(THIS).context("cannot ask for the processors that may be used")?;
        let allowed: Vec<usize> = (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect();
        Ok(match allowed.as_slice() {
            [first, .., last] => Self { server: Some(*first), load: Some(*last) },
            _ => Self::default(),
        })
    }
}

/// From now on the calling thread runs on this processor alone.
pub fn pin(cpu: Option<usize>) -> Result<()> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut set = CpuSet::new();
    set.set(cpu).and_then(|()| sched_setaffinity(THIS, &set)).with_context(|| format!("cannot run on processor {cpu}"))
}

/// Does something on this processor alone, for instance start a process, which inherits it.
pub fn pinned<T>(cpu: Option<usize>, body: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(THIS).context("cannot ask for the processors that may be used")?;
    pin(cpu)?;
    let outcome = body();
    sched_setaffinity(THIS, &before).context("cannot go back to all processors")?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_inherits_the_processor_and_this_thread_gets_its_own_back() {
        let before = sched_getaffinity(THIS).unwrap();
        let cpu = Cpus::choose().unwrap().load;
        let child = || std::process::Command::new("grep").args(["Cpus_allowed_list", "/proc/self/status"]).output();
        let seen = pinned(cpu, child).unwrap().unwrap();
        let seen = String::from_utf8(seen.stdout).unwrap();
        if let Some(cpu) = cpu {
            assert_eq!(seen.split_whitespace().last(), Some(cpu.to_string().as_str()));
        }
        assert_eq!(sched_getaffinity(THIS).unwrap(), before);
    }
}
