//! What an idle arbiter costs: memory, and how often it wakes although nothing happens.

use anyhow::Result;

use crate::measure::{resident, switches};
use crate::options::Effort;
use crate::process::{Artifacts, Contender};
use crate::report::{Report, Table};
use crate::rounds::progress;

const WORKERS: usize = 4;

/// The arbiter's resident set stays below this.
const MOST_MEMORY: f64 = 8.0;

/// Its wake-ups in a second, at most.
const MOST_WAKEUPS: f64 = 1.0;

/// Watches an arbiter whose workers have nothing to do.
pub fn idle(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let contender = Contender::rustcorn(artifacts, WORKERS, &[]);
    let mut report = Report::new("idle", "An idle arbiter");
    progress(&format!("watching {} for {} s", contender.name, effort.idle_seconds));
    let running = contender.start()?;
    let mut processes = vec![running.pid()];
    processes.extend(running.workers()?);
    let before = processes.iter().map(|pid| switches(*pid)).collect::<Result<Vec<_>>>()?;
    std::thread::sleep(effort.idle_span());
    let mut table = Table::new(&["process", "resident, MB", "wake-ups/s"]);
    let mut arbiter = (0.0, 0.0);
    for (index, (pid, before)) in processes.iter().zip(before).enumerate() {
        // Both numbers are far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let (memory, woken) = (resident(*pid)? as f64 / 1e6, (switches(*pid)? - before) as f64);
        let woken = woken / effort.idle_span().as_secs_f64();
        let name = if index == 0 { "arbiter".to_owned() } else { format!("worker {index}") };
        table.row([name, format!("{memory:.1}"), format!("{woken:.1}")]);
        if index == 0 {
            arbiter = (memory, woken);
        }
    }
    report.say(&format!(
        "{WORKERS} workers that serve nothing for {} s. Wake-ups are context switches of all threads of the process.",
        effort.idle_seconds
    ));
    report.table(&table);
    let (memory, woken) = arbiter;
    report.goal(memory < MOST_MEMORY, &format!("the arbiter's resident set is under {MOST_MEMORY} MB: {memory:.1}"));
    report.goal(woken <= MOST_WAKEUPS, &format!("the arbiter wakes at most {MOST_WAKEUPS} times a second: {woken:.1}"));
    Ok(report)
}
