//! One request per connection: accept, answer, close.

use anyhow::Result;

use super::pace::{Place, explained, paces};
use crate::contenders::{AXUM_SERVE, BARE, Entry, Field, NGINX, RUSTCORN};
use crate::load::Shape;
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::Report;

const ENTRIES: [Entry; 4] = [RUSTCORN.with(1), BARE.with(1), AXUM_SERVE.with(1), NGINX.with(1)];

/// Compares one worker with its peers.
pub fn short(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let field = Field::of(&ENTRIES, artifacts, effort)?;
    let mut report = Report::new("short", "Connections of one request", &[&field]);
    report.say(&format!(
        "`GET /` with `Connection: close`, from connecting until the server has closed. One worker, on a processor of its \
         own. {}",
        explained(effort)
    ));
    let way = (Shape::OneRequestEach, Place::Apart);
    report.sheet(&paces("one", "rustcorn / this", &field, way, effort, |_| ENTRIES[0].to_string())?);
    Ok(report)
}
