//! Processor time per request under keep-alive load: what supervision, counting and draining cost while all is well.

use anyhow::Result;

use super::{Pace, pace};
use crate::load::Shape;
use crate::options::Effort;
use crate::process::{Artifacts, Contender};
use crate::report::{Report, Table, spread};
use crate::rounds::interleave;
use crate::series::Series;

/// How much more than the hand-written loop a request may cost.
const MOST_OVER_BARE: f64 = 1.05;

/// Compares one worker with the hand-written loop and `axum::serve`, and two workers with two threads.
pub fn cpu(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let contenders = [
        Contender::rustcorn(artifacts, 1, &[]),
        Contender::bare(artifacts),
        Contender::axum_serve(artifacts, 1),
        Contender::rustcorn(artifacts, 2, &[]),
        Contender::axum_serve(artifacts, 2),
    ];
    let mut report = Report::new("cpu", "Processor time per request");
    let outcomes = interleave(effort.rounds.into(), &contenders, |running| pace(running, Shape::KeepAlive, effort))?;
    let costs: Vec<Series> =
        outcomes.iter().map(|rounds| rounds.iter().map(|pace: &Pace| pace.cost).collect()).collect();
    // Who is compared with which of the two rustcorns.
    let ratios: Vec<Series> =
        [0, 0, 0, 3, 3].iter().zip(&costs).map(|(ours, theirs)| costs[*ours].over(theirs)).collect();

    report.say(&format!(
        "The hello router's `GET /` over {} keep-alive connections, closed loop. Microseconds of processor time, user and \
         system, of the whole process tree for one request; {} interleaved rounds of {} s: median (min - max). The ratio is \
         rustcorn's cost over this one's, round by round.",
        effort.connections, effort.rounds, effort.seconds
    ));
    let mut table = Table::new(&["contender", "CPU per request, us", "rustcorn / this", "requests/s"]);
    for (((contender, cost), ratio), outcome) in contenders.iter().zip(&costs).zip(&ratios).zip(&outcomes) {
        let rates: Series = outcome.iter().map(|pace| pace.rate).collect();
        table.row([contender.name.clone(), spread(cost, 2), spread(ratio, 3), spread(&rates, 0)]);
    }
    report.table(&table);
    for (peer, most) in [(1, MOST_OVER_BARE), (2, 1.0), (4, 1.0)] {
        let ratio = ratios[peer].median();
        report.goal(ratio <= most, &format!("at most {most:.2} of {}: {ratio:.3}", contenders[peer].name));
    }
    Ok(report)
}
