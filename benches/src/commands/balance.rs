//! Balanced accept: how evenly keep-alive connections are spread, and what the rule costs one-request connections.

use anyhow::{Result, ensure};

use super::pace::{Place, RATE, explained, paces, start_load};
use crate::contenders::{Entry, Field, NGINX, RUSTCORN};
use crate::load::Shape;
use crate::measure::connections_of;
use crate::options::Effort;
use crate::process::{Artifacts, Running};
use crate::report::{Metric, Report, Sheet, spread};
use crate::rounds::interleave;

const WORKERS: usize = 4;

const ENTRIES: [Entry; 3] =
    [RUSTCORN.with(WORKERS), RUSTCORN.with(WORKERS).and("unbalanced", &["--no-balance"]), NGINX.with(WORKERS)];

/// The most loaded worker over the least loaded.
const MOST_OVER_LEAST: f64 = 1.25;

/// Throughput of one-request connections with the rule over without.
const LEAST_THROUGHPUT: f64 = 0.95;

const METRICS: &[Metric] = &[Metric::plotted("evenness", "most / least loaded worker", 2)];

/// Compares the same build with the rule and without, and nginx, under both kinds of clients.
pub fn balance(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let field = Field::of(&ENTRIES, artifacts, effort)?;
    let (ruled, free) = (ENTRIES[0].to_string(), ENTRIES[1].to_string());
    let rounds = effort.rounds.into();
    let mut report = Report::new("balance", "Balanced accept", &[&field]);

    let spreads = interleave(rounds, &field.contenders, None, |running| distribution(running, effort))?;
    report.say(&format!(
        "{} keep-alive connections over {WORKERS} workers, counted under load by the sockets that each worker holds; \
         {rounds} interleaved rounds: median (min - max).",
        effort.connections
    ));
    let mut evenness = Sheet::new("connections", METRICS, "");
    for (contender, rounds) in field.contenders.iter().zip(&spreads) {
        let ratios = rounds.iter().map(|held| most_over_least(held)).collect();
        evenness.row(&contender.name, &contender.name, vec![ratios]);
    }
    report.sheet(&evenness);
    for (contender, rounds) in field.contenders.iter().zip(&spreads) {
        let last: Vec<String> = rounds.iter().last().into_iter().flatten().map(usize::to_string).collect();
        report.say(&format!(
            "Connections of each worker of {} in the last round: {}.",
            contender.name,
            last.join(", ")
        ));
    }

    report.say(&format!("One request per connection. {}", explained(effort)));
    let way = (Shape::OneRequestEach, Place::Anywhere);
    let short = paces("short", "rustcorn / this", &field, way, effort, |_| ruled.clone())?;
    report.sheet(&short);

    if let Some(evenness) = evenness.series(&ruled, "evenness") {
        let evenness = evenness.median();
        let what = format!("most over least loaded at most {MOST_OVER_LEAST}: {evenness:.2}");
        report.goal(evenness <= MOST_OVER_LEAST, &what);
    }
    if let Some(ratio) = short.ratio(&ruled, &free, RATE) {
        let what = format!(
            "one-request throughput with the rule over without at least {LEAST_THROUGHPUT}: {}",
            spread(&ratio, 3)
        );
        report.goal(ratio.median() >= LEAST_THROUGHPUT, &what);
    }
    Ok(report)
}

/// The connections that each worker holds when all clients are connected and busy.
fn distribution(running: &Running, effort: &Effort) -> Result<Vec<usize>> {
    let load = start_load(running, Shape::KeepAlive, None, effort)?;
    std::thread::sleep(effort.warmup());
    let held = connections_of(&running.workers()?, running.address())?;
    load.finish()?;
    let (sum, all) = (held.iter().sum::<usize>(), usize::from(effort.connections));
    ensure!(sum == all, "the workers hold {sum} of {all} connections: {held:?}");
    Ok(held)
}

/// Infinite if somebody has nothing to do.
fn most_over_least(held: &[usize]) -> f64 {
    let number =
        |count: Option<&usize>| count.map_or(0.0, |count| f64::from(u32::try_from(*count).unwrap_or(u32::MAX)));
    number(held.iter().max()) / number(held.iter().min())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_worker_makes_the_spread_infinite() {
        assert!((most_over_least(&[20, 16, 16, 12]) - 20.0 / 12.0).abs() < 1e-9);
        assert!(most_over_least(&[64, 0]).is_infinite());
    }
}
