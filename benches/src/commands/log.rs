//! What an access log costs: the same server without and with one, in a file.

use anyhow::Result;

use super::pace::{Place, RATE, explained, paces};
use crate::contenders::{Entry, Field, NGINX, RUSTCORN};
use crate::load::Shape;
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::{Report, spread};

const ENTRIES: [Entry; 5] = [
    RUSTCORN.with(1),
    RUSTCORN.with(1).and("access log", &["--access-logfile", "{home}/access.log"]),
    NGINX.with(1),
    NGINX.with(1).and("access log", &["access_log {home}/access.log;"]),
    NGINX.with(1).and("buffered access log", &["access_log {home}/access.log combined buffer=64k flush=1s;"]),
];

/// Requests/s with the log over without.
const LEAST_THROUGHPUT: f64 = 0.9;

/// Compares each server with itself.
pub fn log(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let field = Field::of(&ENTRIES, artifacts, effort)?;
    let mut report = Report::new("log", "What an access log costs", &[&field]);
    report.say(&format!(
        "`GET /` over keep-alive connections, one worker on a processor of its own; the log is a file. {}",
        explained(effort)
    ));
    // An entry without a label is the one without a log.
    let without = |name: &str| name.split(", ").take(2).collect::<Vec<_>>().join(", ");
    let way = (Shape::KeepAlive, Place::Apart);
    let sheet = paces("one", "without / this", &field, way, effort, without)?;
    report.sheet(&sheet);
    if let Some(ratio) = sheet.ratio(&ENTRIES[1].to_string(), &ENTRIES[0].to_string(), RATE) {
        let what = format!("requests/s with the log over without at least {LEAST_THROUGHPUT}: {}", spread(&ratio, 3));
        report.goal(ratio.median() >= LEAST_THROUGHPUT, &what);
    }
    Ok(report)
}
