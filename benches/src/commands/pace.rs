//! What a contender does under a closed loop: the measurement that several pages share, and its sheet.

use anyhow::Result;

use super::burst::{Burst, Seen, burst};
use crate::contenders::Field;
use crate::load::{Load, Shape};
use crate::options::Effort;
use crate::process::Running;
use crate::report::{Metric, Sheet};
use crate::rounds::{Turns, alternate};
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

/// In the order of the metrics.
const NUMBERS: [fn(&Seen) -> f64; METRICS.len()] =
    [Seen::cost_us, Seen::per_second, Seen::p50_us, Seen::p99_us, Seen::busy, Seen::load_busy, Seen::rss_mb];

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
    let turns = Turns { rounds: effort.rounds.into(), slices: Burst::slices(effort.span()), cpu: server };
    let (clients, threads) = (effort.connections.into(), effort.load_threads.into());
    let what = Burst { shape, clients, threads, cpu: load, warmup: effort.warmup(), span: effort.span(), calls: false };
    let outcomes =
        alternate(&turns, &field.contenders, &[what], |running, what, first| burst(running, &what.slice(first)))?;
    let mut sheet = Sheet::new(key, METRICS, against);
    for (contender, rounds) in field.contenders.iter().zip(outcomes) {
        let column = |number: fn(&Seen) -> f64| rounds.iter().flatten().map(number).collect::<Series>();
        sheet.row(&contender.name, &base(&contender.name), NUMBERS.into_iter().map(column).collect());
    }
    Ok(sheet)
}

/// What such a sheet says, for the head of its page.
pub fn explained(effort: &Effort) -> String {
    format!(
        "Closed loop of {} clients; {} rounds of {} s, in which the contenders take turns of a quarter of a second: median (min - max). CPU: user and system time of the \
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
