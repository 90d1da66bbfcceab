//! The measurement that all Python pages share: each application in the processes of each server, asked one thing after the
//! other.

use anyhow::Result;
use std::time::Duration;

use super::workloads::App;
use crate::commands::burst::{Burst, Seen, burst};
use crate::contenders::Field;
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::{Metric, Sheet};
use crate::rounds::{Turns, alternate};
use crate::series::Series;

/// The processor time of a request.
pub const COST: &str = "cpu_us";
/// Answers in a second.
pub const RATE: &str = "per_second";
/// The wait in the middle.
pub const MIDDLE: &str = "p50_us";
/// The wait of the slowest hundredth.
pub const SLOW: &str = "p99_us";

/// What a sheet's ratios are called.
const AGAINST: &str = "rustcorn / this";

const METRICS: &[Metric] = &[
    Metric::plotted(RATE, "requests/s", 0).compared(),
    Metric::plotted(COST, "CPU per request, us", 1).compared(),
    Metric::told(MIDDLE, "p50, us", 0),
    Metric::plotted(SLOW, "p99, us", 0),
    Metric::told("switches", "context switches per request", 2),
    Metric::told("calls", "system calls per request", 2),
    Metric::told("busy", "server busy, cores", 2),
    Metric::told("load_busy", "load busy, cores", 2),
    Metric::told("rss_mb", "RSS, MB", 0),
];

/// How the servers are asked.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// Workers of each server. One has a processor of its own, and the load another.
    pub workers: usize,
    /// Clients, one measurement after the other.
    pub clients: &'a [usize],
    /// Rounds.
    pub rounds: usize,
    /// Load before each measurement.
    pub warmup: Duration,
    /// Load that is measured.
    pub span: Duration,
    /// Whether rows say how many clients there were.
    pub labelled: bool,
}

impl Way<'_> {
    /// How a row is called.
    pub fn row(&self, contender: &str, clients: usize) -> String {
        let plural = if clients == 1 { "" } else { "s" };
        if self.labelled { format!("{contender}, {clients} client{plural}") } else { contender.to_owned() }
    }
}

/// The sheets of one application, empty.
pub fn sheets(app: &App) -> Vec<Sheet> {
    app.workloads.iter().map(|workload| Sheet::new(workload.key, METRICS, AGAINST)).collect()
}

/// Those of an application's servers who take part.
pub fn field<'a>(app: &App, workers: usize, artifacts: &'a Artifacts, effort: &Effort) -> Result<Field<'a>> {
    Field::of(&app.entries(workers), artifacts, effort)
}

/// Measures an application and adds the rows to its sheets.
pub fn compare(app: &App, way: &Way<'_>, field: &Field<'_>, effort: &Effort, sheets: &mut [Sheet]) -> Result<()> {
    let (server, load) = if way.workers == 1 { (field.cpus.server, field.cpus.load) } else { (None, None) };
    let turns = Turns { rounds: way.rounds, slices: Burst::slices(way.span), cpu: server };
    let threads = effort.load_threads.into();
    // Counting system calls costs the server time: once is enough, since their number hardly varies.
    let (warmup, span, calls) = (way.warmup, way.span, true);
    let step = |shape, clients| Burst { shape, clients, threads, cpu: load, warmup, span, calls };
    let steps: Vec<Burst> = app
        .workloads
        .iter()
        .flat_map(|workload| way.clients.iter().map(move |clients| step(workload.shape, *clients)))
        .collect();
    let outcomes =
        alternate(&turns, &field.contenders, &steps, |running, step, first| burst(running, &step.slice(first)))?;
    let base = app.entries(way.workers)[0].to_string();
    for (place, sheet) in sheets.iter_mut().enumerate() {
        for (step, clients) in way.clients.iter().enumerate() {
            for (contender, rounds) in field.contenders.iter().zip(&outcomes) {
                let seen = rounds.iter().map(|round| &round[place * way.clients.len() + step]);
                sheet.row(&way.row(&contender.name, *clients), &way.row(&base, *clients), columns(seen));
            }
        }
    }
    Ok(())
}

/// A series for each metric, in their order.
fn columns<'a>(seen: impl Iterator<Item = &'a Seen> + Clone) -> Vec<Series> {
    let numbers: [fn(&Seen) -> f64; METRICS.len()] = [
        Seen::per_second,
        Seen::cost_us,
        Seen::p50_us,
        Seen::p99_us,
        Seen::switches,
        Seen::calls,
        Seen::busy,
        Seen::load_busy,
        Seen::rss_mb,
    ];
    // What could not be measured is not there.
    numbers.into_iter().map(|number| seen.clone().map(number).filter(|value| !value.is_nan()).collect()).collect()
}
