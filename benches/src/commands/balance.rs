//! Balanced accept: how evenly keep-alive connections are spread, and what the rule costs one-request connections.

use anyhow::{Result, ensure};

use super::{pace, start_load};
use crate::load::Shape;
use crate::measure::connections_of;
use crate::options::Effort;
use crate::process::{Artifacts, Contender, Running};
use crate::report::{Report, Table, spread};
use crate::rounds::interleave;
use crate::series::Series;

const WORKERS: usize = 4;

/// The most loaded worker over the least loaded.
const MOST_OVER_LEAST: f64 = 1.25;

/// Throughput of one-request connections with the rule over without.
const LEAST_THROUGHPUT: f64 = 0.95;

/// Compares the same build with the rule and without, under both kinds of clients.
pub fn balance(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let contenders = [
        Contender::rustcorn(artifacts, WORKERS, &["--balance"]),
        Contender::rustcorn(artifacts, WORKERS, &["--no-balance"]),
    ];
    let rounds = effort.rounds.into();
    let mut report = Report::new("balance", "Balanced accept");

    let spreads = interleave(rounds, &contenders, |running| distribution(running, effort))?;
    report.say(&format!(
        "{} keep-alive connections over {WORKERS} workers, counted under load by the sockets that each worker holds; \
         {rounds} interleaved rounds: median (min - max).",
        effort.connections
    ));
    let mut table = Table::new(&["contender", "most / least loaded", "connections of each worker, last round"]);
    let evenness: Vec<Series> =
        spreads.iter().map(|rounds| rounds.iter().map(|held| most_over_least(held)).collect()).collect();
    for ((contender, evenness), rounds) in contenders.iter().zip(&evenness).zip(&spreads) {
        let last: Vec<String> = rounds.iter().last().into_iter().flatten().map(usize::to_string).collect();
        table.row([contender.name.clone(), spread(evenness, 2), last.join(", ")]);
    }
    report.table(&table);

    let paces = interleave(rounds, &contenders, |running| pace(running, Shape::OneRequestEach, effort))?;
    report.say(&format!(
        "One request per connection, {} clients in a closed loop, {rounds} interleaved rounds of {} s.",
        effort.connections, effort.seconds
    ));
    let mut table = Table::new(&["contender", "connections/s", "CPU per connection, us"]);
    let rates: Vec<Series> = paces.iter().map(|rounds| rounds.iter().map(|pace| pace.rate).collect()).collect();
    for ((contender, rates), rounds) in contenders.iter().zip(&rates).zip(&paces) {
        let costs: Series = rounds.iter().map(|pace| pace.cost).collect();
        table.row([contender.name.clone(), spread(rates, 0), spread(&costs, 2)]);
    }
    report.table(&table);

    let evenness = evenness[0].median();
    report
        .goal(evenness <= MOST_OVER_LEAST, &format!("most over least loaded at most {MOST_OVER_LEAST}: {evenness:.2}"));
    let ratio = rates[0].over(&rates[1]);
    report.goal(
        ratio.median() >= LEAST_THROUGHPUT,
        &format!(
            "one-request throughput with the rule over without at least {LEAST_THROUGHPUT}: {}",
            spread(&ratio, 3)
        ),
    );
    Ok(report)
}

/// The connections that each worker holds when all clients are connected and busy.
fn distribution(running: &Running, effort: &Effort) -> Result<Vec<usize>> {
    let load = start_load(Shape::KeepAlive, running.address(), effort)?;
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
