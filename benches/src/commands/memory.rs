//! Memory for each idle keep-alive connection: a crowd of them asks once and then sits there.

use anyhow::{Result, ensure};
use std::time::Duration;

use super::pace::start_load;
use crate::contenders::{AXUM_SERVE, BARE, Entry, Field, NGINX, RUSTCORN};
use crate::load::{Idlers, Shape};
use crate::measure::{connections_of, resident_tree, tree};
use crate::options::Effort;
use crate::process::{Artifacts, Running, descriptors};
use crate::report::{Metric, Report, Sheet};
use crate::rounds::interleave;
use crate::series::Series;

/// A server may keep its idle connections for as long as this takes, and have so many of them.
const PATIENT: &[&str] = &["--keep-alive", "3600", "--worker-connections", "20000"];

const ENTRIES: [Entry; 4] = [RUSTCORN.with(1).and("patient", PATIENT), BARE.with(1), AXUM_SERVE.with(1), NGINX.with(1)];

/// How long the crowd is idle before it is counted: a server may tidy up after the first second.
const SETTLE: Duration = Duration::from_secs(3);

/// Memory says the same each time.
const MOST_ROUNDS: u16 = 3;

/// Requests that are asked beside the crowd, on fresh connections and on old ones.
const TRIES: usize = 20;

/// Descriptors that are not connections of the crowd.
const SPARE: u64 = 200;

/// Kilobytes (of 1000 bytes) for each connection.
const MOST_MEMORY: f64 = 4.0;

/// How long a request may take beside the crowd, in milliseconds.
const MOST_WAIT: f64 = 100.0;

const METRICS: &[Metric] = &[
    Metric::plotted("kb_each", "KB for each", 2),
    Metric::told("rss_mb", "RSS of all, MB", 1),
    Metric::told("slowest_ms", "slowest answer beside them, ms", 2),
];

/// Lets a crowd grow in steps and looks at the resident set after each.
pub fn memory(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let field = Field::of(&ENTRIES, artifacts, effort)?;
    let rounds = effort.rounds.min(MOST_ROUNDS);
    let mut crowd: Vec<usize> = effort.crowd.iter().copied().map(usize::from).collect();
    crowd.sort_unstable();
    crowd.dedup();
    let room = usize::try_from(descriptors()?.saturating_sub(SPARE)).unwrap_or(usize::MAX);
    ensure!(
        crowd.iter().all(|count| *count <= room),
        "the limit of descriptors leaves room for {room} connections: raise it (`ulimit -Hn`) or lower --crowd"
    );
    let outcomes = interleave(rounds.into(), &field.contenders, field.cpus.server, |running| {
        steps(running, &crowd, field.cpus.load, effort)
    })?;

    let mut report = Report::new("memory", "Memory for each idle connection", &[&field]);
    report.say(&format!(
        "Resident set of the whole process tree with so many connections that have asked once and been idle for {} s, less \
         that of the same process after a load of {} clients and before them, over their number. What the kernel keeps for \
         a socket is not in it. Beside them {TRIES} requests on fresh connections and {TRIES} on idle ones. {rounds} \
         interleaved rounds: median (min - max).",
        SETTLE.as_secs(),
        effort.connections
    ));
    let ours = ENTRIES[0].to_string();
    let mut goals = Vec::new();
    for (step, count) in crowd.iter().enumerate() {
        report.say(&format!("{count} idle connections:"));
        // Pages have names for one crowd and for the steps of several.
        let key = ["first", "second", "third"].get(step).copied().unwrap_or("more");
        let mut sheet = Sheet::new(key, METRICS, "");
        for (contender, rounds) in field.contenders.iter().zip(&outcomes) {
            let column = |index: usize| rounds.iter().map(|steps: &Vec<Step>| steps[step][index]).collect::<Series>();
            sheet.row(&contender.name, &ours, (0..METRICS.len()).map(column).collect());
        }
        report.sheet(&sheet);
        if let (Some(each), Some(wait)) = (sheet.series(&ours, "kb_each"), sheet.series(&ours, "slowest_ms")) {
            let (each, wait) = (each.median(), wait.max());
            goals
                .push((each < MOST_MEMORY, format!("{count} idle connections under {MOST_MEMORY} KB each: {each:.2}")));
            goals.push((wait <= MOST_WAIT, format!("beside them no answer takes over {MOST_WAIT} ms: {wait:.1}")));
        }
    }
    goals.iter().for_each(|(met, what)| report.goal(*met, what));
    Ok(report)
}

/// The numbers of one step, in the order of the metrics.
type Step = [f64; METRICS.len()];

fn steps(running: &Running, crowd: &[usize], cpu: Option<usize>, effort: &Effort) -> Result<Vec<Step>> {
    // Caches, pools and lazy tables are there before anybody counts.
    let load = start_load(running, Shape::KeepAlive, cpu, effort)?;
    std::thread::sleep(effort.warmup());
    load.finish()?;
    std::thread::sleep(SETTLE);
    let before = resident_tree(running.pid())?;
    let mut idlers = Idlers::at(running.address())?;
    crowd
        .iter()
        .map(|count| {
            idlers.grow(*count)?;
            std::thread::sleep(SETTLE);
            let now = resident_tree(running.pid())?;
            let held: usize = connections_of(&tree(running.pid())?, running.address())?.iter().sum();
            ensure!(held == *count, "the server holds {held} of {count} idle connections");
            let slowest = idlers.slowest_answer(TRIES)?;
            // All of it below 2^53.
            #[allow(clippy::cast_precision_loss)]
            let (grown, now, count) = (now.saturating_sub(before) as f64, now as f64, *count as f64);
            Ok([grown / count / 1e3, now / 1e6, slowest.as_secs_f64() * 1e3])
        })
        .collect()
}
