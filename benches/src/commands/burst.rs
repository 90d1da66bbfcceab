//! A contender under a closed loop for a while, measured from outside: what the pages with loads have in common.

use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

use crate::load::{Load, Shape};
use crate::measure::{Cpu, calls, resident_tree, switches_tree};
use crate::process::Running;

/// How long system calls are counted: apart from the rest, since counting them costs the server time.
const COUNTED: Duration = Duration::from_millis(200);

/// What is done to the contender.
#[derive(Clone, Copy)]
pub struct Burst {
    /// What is asked.
    pub shape: Shape,
    /// Clients of the closed loop.
    pub clients: usize,
    /// Threads of the load generator.
    pub threads: usize,
    /// The processor of the load generator, if it has one of its own.
    pub cpu: Option<usize>,
    /// Load that is not measured.
    pub warmup: Duration,
    /// Load that is.
    pub span: Duration,
    /// Whether system calls are counted too.
    pub calls: bool,
}

/// What was seen.
pub struct Seen {
    /// User and system time of the server for each request, in microseconds.
    pub cost_us: f64,
    /// Answers in a second.
    pub per_second: f64,
    /// A client's wait in the middle, and that of the slowest hundredth, in microseconds.
    pub p50_us: f64,
    pub p99_us: f64,
    /// Processors kept at work by the server and by the load.
    pub busy: f64,
    pub load_busy: f64,
    /// How often the server's threads were put on a processor, for each request.
    pub switches: f64,
    /// Its system calls for each request; not a number if they were not counted.
    pub calls: f64,
    /// Its resident set, in megabytes.
    pub rss_mb: f64,
}

/// Starts the load, waits until the contender is warm, measures it.
pub fn burst(running: &Running, burst: &Burst) -> Result<Seen> {
    let load = Load::start(burst.shape, running.address(), burst.clients, burst.threads, burst.cpu)?;
    std::thread::sleep(burst.warmup);
    let (clock, counts) = (Instant::now(), load.counts());
    let (server, ours, woken) = (Cpu::of(running.pid())?, Cpu::ours()?, switches_tree(running.pid())?);
    std::thread::sleep(burst.span);
    let (clock, counts) = (clock.elapsed(), load.counts().since(&counts));
    let used = Cpu::of(running.pid()).and_then(|now| now.since(&server));
    let ours = Cpu::ours().and_then(|now| now.since(&ours));
    let woken = switches_tree(running.pid()).map(|now| now.saturating_sub(woken));
    let resident = resident_tree(running.pid());
    // In a second of processor time; what a request costs of that makes them calls per request.
    let calls = if burst.calls { calls::per_second(running.pid(), COUNTED) } else { None };
    // If a request failed, that is what went wrong, whatever else did.
    load.finish()?;
    let (used, ours) = (used?, ours?);
    ensure!(counts.total() > 0, "no request was answered in {clock:?}");
    let wait = |share| counts.quantile(share).context("no latency").map(|wait: Duration| wait.as_secs_f64() * 1e6);
    // Exact below 2^53 requests, switches and bytes.
    #[allow(clippy::cast_precision_loss)]
    let (answered, woken, resident) = (counts.total() as f64, woken? as f64, resident? as f64);
    let cost = used.as_secs_f64() / answered;
    Ok(Seen {
        cost_us: cost * 1e6,
        per_second: answered / clock.as_secs_f64(),
        p50_us: wait(0.5)?,
        p99_us: wait(0.99)?,
        busy: used.as_secs_f64() / clock.as_secs_f64(),
        load_busy: ours.as_secs_f64() / clock.as_secs_f64(),
        switches: woken / answered,
        calls: calls.map_or(f64::NAN, |calls| calls * cost),
        rss_mb: resident / 1e6,
    })
}
