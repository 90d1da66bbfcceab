//! What a contender does under a closed loop: the measurement that several pages share, and its sheet.

use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

use crate::contenders::Field;
use crate::load::{Load, Shape};
use crate::measure::{Cpu, resident_tree};
use crate::options::Effort;
use crate::process::Running;
use crate::report::{Metric, Sheet};
use crate::rounds::interleave;
use crate::series::Series;

/// The processor time of a request, in every sheet of this kind.
pub const COST: &str = "cpu_us";

/// Answers in a second.
pub const RATE: &str = "per_second";

const METRICS: &[Metric] = &[
    Metric::plotted(COST, "CPU per request, us", 2).compared(),
    Metric::plotted(RATE, "requests/s", 0),
    Metric::told("p50_us", "p50, us", 0),
    Metric::plotted("p99_us", "p99, us", 0),
    Metric::told("busy", "server busy, cores", 2),
    Metric::told("load_busy", "load busy, cores", 2),
    Metric::told("rss_mb", "RSS, MB", 1),
];

/// How the contenders are placed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The server on one processor, the load on another: for servers of one worker.
    Apart,
    /// Everybody where the kernel puts him.
    Anywhere,
}

/// Loads the contenders in interleaved rounds; a sheet of their paces, each compared with the base that `base` names.
pub fn paces(
    key: &'static str,
    against: &'static str,
    field: &Field<'_>,
    (shape, place): (Shape, Place),
    effort: &Effort,
    base: impl Fn(&str) -> String,
) -> Result<Sheet> {
    let apart = place == Place::Apart;
    let (server, load) = if apart { (field.cpus.server, field.cpus.load) } else { (None, None) };
    let outcomes =
        interleave(effort.rounds.into(), &field.contenders, server, |running| pace(running, shape, load, effort))?;
    let mut sheet = Sheet::new(key, METRICS, against);
    for (contender, rounds) in field.contenders.iter().zip(outcomes) {
        let column = |index: usize| rounds.iter().map(|numbers| numbers[index]).collect::<Series>();
        sheet.row(&contender.name, &base(&contender.name), (0..METRICS.len()).map(column).collect());
    }
    Ok(sheet)
}

/// What such a sheet says, for the head of its page.
pub fn explained(effort: &Effort) -> String {
    format!(
        "Closed loop of {} clients; {} interleaved rounds of {} s: median (min - max). CPU: user and system time of the \
         server's whole process tree over the answers meanwhile. p50 and p99: a client's wait, the server being saturated. \
         Busy: processors kept at work by the server and by the load generator; where the load generator is at its 1 and \
         the server is not at its limit, requests/s tells of the load generator. RSS: of the whole tree under load.",
        effort.connections, effort.rounds, effort.seconds
    )
}

/// The load of these measurements.
pub fn start_load(running: &Running, shape: Shape, cpu: Option<usize>, effort: &Effort) -> Result<Load> {
    Load::start(shape, running.address(), effort.connections.into(), effort.load_threads.into(), cpu)
}

/// Loads a contender and measures it when it is warm: the numbers in the order of the metrics.
fn pace(running: &Running, shape: Shape, cpu: Option<usize>, effort: &Effort) -> Result<[f64; METRICS.len()]> {
    let load = start_load(running, shape, cpu, effort)?;
    std::thread::sleep(effort.warmup());
    let (clock, counts) = (Instant::now(), load.counts());
    let (server, ours) = (Cpu::of(running.pid())?, Cpu::ours()?);
    std::thread::sleep(effort.span());
    let (clock, counts) = (clock.elapsed(), load.counts().since(&counts));
    let used = Cpu::of(running.pid()).and_then(|now| now.since(&server));
    let ours = Cpu::ours().and_then(|now| now.since(&ours));
    let resident = resident_tree(running.pid());
    // If a request failed, that is what went wrong, whatever else did.
    load.finish()?;
    let (used, ours) = (used?, ours?);
    ensure!(counts.total() > 0, "no request was answered in {clock:?}");
    let wait = |share| counts.quantile(share).context("no latency").map(|wait: Duration| wait.as_secs_f64() * 1e6);
    // Exact below 2^53 requests and bytes.
    #[allow(clippy::cast_precision_loss)]
    let (answered, resident) = (counts.total() as f64, resident? as f64);
    Ok([
        used.as_secs_f64() * 1e6 / answered,
        answered / clock.as_secs_f64(),
        wait(0.5)?,
        wait(0.99)?,
        used.as_secs_f64() / clock.as_secs_f64(),
        ours.as_secs_f64() / clock.as_secs_f64(),
        resident / 1e6,
    ])
}
