//! What an idle arbiter costs: memory, and how often it wakes although nothing happens.

use anyhow::Result;

use crate::contenders::{Contender, Entry, Field, NGINX, RUSTCORN};
use crate::measure::{resident, switches};
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::{Metric, Report, Sheet};
use crate::rounds::progress;
use crate::series::Series;

const WORKERS: usize = 4;

const ENTRIES: [Entry; 2] = [RUSTCORN.with(WORKERS), NGINX.with(WORKERS)];

/// The arbiter's resident set stays below this, in megabytes.
const MOST_MEMORY: f64 = 8.0;

/// Its wake-ups in a second, at most.
const MOST_WAKEUPS: f64 = 1.0;

const METRICS: &[Metric] = &[Metric::plotted("rss_mb", "resident, MB", 1), Metric::plotted("wakeups", "wake-ups/s", 1)];

/// Watches arbiters and workers that have nothing to do, one contender after the other.
pub fn idle(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let field = Field::of(&ENTRIES, artifacts, effort)?;
    let mut report = Report::new("idle", "Idle processes", &[&field]);
    report.say(&format!(
        "{WORKERS} workers that serve nothing for {} s. Wake-ups are context switches of all threads of the process.",
        effort.idle_seconds
    ));
    let mut sheet = Sheet::new("processes", METRICS, "");
    for contender in &field.contenders {
        watch(contender, &mut sheet, effort)?;
    }
    report.sheet(&sheet);
    let ours = format!("{}: arbiter", ENTRIES[0]);
    if let (Some(memory), Some(woken)) = (sheet.series(&ours, "rss_mb"), sheet.series(&ours, "wakeups")) {
        let (memory, woken) = (memory.median(), woken.median());
        let what = format!("the arbiter's resident set is under {MOST_MEMORY} MB: {memory:.1}");
        report.goal(memory < MOST_MEMORY, &what);
        let what = format!("the arbiter wakes at most {MOST_WAKEUPS} times a second: {woken:.1}");
        report.goal(woken <= MOST_WAKEUPS, &what);
    }
    Ok(report)
}

/// A row for each process of a contender.
fn watch(contender: &Contender<'_>, sheet: &mut Sheet, effort: &Effort) -> Result<()> {
    progress(&format!("watching {} for {} s", contender.name, effort.idle_seconds));
    let running = contender.start(None)?;
    let mut processes = vec![running.pid()];
    processes.extend(running.workers()?);
    let before = processes.iter().map(|pid| switches(*pid)).collect::<Result<Vec<_>>>()?;
    std::thread::sleep(effort.idle_span());
    for (index, (pid, before)) in processes.iter().zip(before).enumerate() {
        // Both numbers are far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let (memory, woken) = (resident(*pid)? as f64 / 1e6, (switches(*pid)? - before) as f64);
        let woken = woken / effort.idle_span().as_secs_f64();
        let process = if index == 0 { "arbiter".to_owned() } else { format!("worker {index}") };
        let name = format!("{}: {process}", contender.name);
        sheet.row(&name, &name, [memory, woken].map(|value| Series::from_iter([value])).into());
    }
    Ok(())
}
