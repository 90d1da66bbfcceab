//! Keep-alive load: what a request costs while all is well.

use anyhow::Result;

use super::pace::{COST, Place, explained, paces};
use crate::contenders::{AXUM_SERVE, BARE, Entry, Field, NGINX, RUSTCORN};
use crate::load::Shape;
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::Report;

const ONE: [Entry; 4] = [RUSTCORN.with(1), BARE.with(1), AXUM_SERVE.with(1), NGINX.with(1)];
const TWO: [Entry; 3] = [RUSTCORN.with(2), AXUM_SERVE.with(2), NGINX.with(2)];

/// How much of each peer's cost a request may cost.
const GOALS_OF_ONE: [(Entry, f64); 3] = [(ONE[1], 1.05), (ONE[2], 1.0), (ONE[3], 1.3)];
const GOALS_OF_TWO: [(Entry, f64); 2] = [(TWO[1], 1.0), (TWO[2], 1.3)];

/// Compares one worker and two with the same router served otherwise, and with nginx, which has no application.
pub fn cpu(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let (one, two) = (Field::of(&ONE, artifacts, effort)?, Field::of(&TWO, artifacts, effort)?);
    let mut report = Report::new("cpu", "What a request costs", &[&one, &two]);
    report.say(&format!("`GET /` over keep-alive connections. {}", explained(effort)));
    // One thread of load keeps no two workers busy: the figure would tell more of their waking up than of their work.
    let twice = Effort { load_threads: 2 * effort.load_threads, ..effort.clone() };
    let groups = [
        ("one", "One worker, on a processor of its own; the load on another.", &one, effort, &GOALS_OF_ONE[..]),
        (
            "two",
            "Two workers, placed by the kernel, with twice the threads of load among them.",
            &two,
            &twice,
            &GOALS_OF_TWO,
        ),
        (
            "two-idling",
            "The same with the load of one worker, for which two of them wait time and again: a server that spreads its work has \
             more to wake up.",
            &two,
            effort,
            &[],
        ),
    ];
    let mut goals = Vec::new();
    for (key, text, field, effort, most) in groups {
        let (place, ours) = if key == "one" { (Place::Apart, ONE[0]) } else { (Place::Anywhere, TWO[0]) };
        let ours = ours.to_string();
        report.say(text);
        let way = (Shape::KeepAlive, place);
        let sheet = paces(key, "rustcorn / this", field, way, effort, |_| ours.clone())?;
        report.sheet(&sheet);
        for (peer, most) in most {
            let what = format!("CPU per request of {ours} over {peer}");
            goals.push((sheet.ratio(&ours, &peer.to_string(), COST), *most, what));
        }
    }
    goals.iter().for_each(|(ratio, most, what)| report.goal_within(ratio.as_ref(), *most, what));
    Ok(report)
}
