//! The measurements, one file each. Each makes its own page; a goal that is missed is said there and is no failure of
//! the command, a request that failed is.

mod balance;
mod cpu;
mod idle;
mod timing;

use anyhow::Result;
use std::net::SocketAddr;

use crate::load::{Load, Shape};
use crate::measure::Cpu;
use crate::options::Effort;
use crate::process::{Artifacts, Running, end_with_us};
use crate::report::Report;

pub use balance::balance;
pub use cpu::cpu;
pub use idle::idle;
pub use timing::timing;

/// A measurement.
pub type Measurement = fn(&Artifacts, &Effort) -> Result<Report>;

/// Builds what is measured, measures, publishes each page as soon as it is there.
pub fn run(measurements: &[Measurement], effort: &Effort) -> Result<()> {
    end_with_us()?;
    let artifacts = Artifacts::build()?;
    for measurement in measurements {
        measurement(&artifacts, effort)?.publish(!effort.no_save)?;
    }
    Ok(())
}

/// What a contender did under load.
struct Pace {
    /// Processor time of its whole process tree for one request, in microseconds.
    cost: f64,
    /// Requests answered in a second.
    rate: f64,
}

/// Loads a contender in the given shape and measures it when it is warm.
fn pace(running: &Running, shape: Shape, effort: &Effort) -> Result<Pace> {
    let load = start_load(shape, running.address(), effort)?;
    std::thread::sleep(effort.warmup());
    let (answered, clock, cpu) = (load.answered(), std::time::Instant::now(), Cpu::of(running.pid())?);
    std::thread::sleep(effort.span());
    let (answered, clock) = (load.answered() - answered, clock.elapsed());
    let used = Cpu::of(running.pid())?.since(&cpu)?;
    load.finish()?;
    anyhow::ensure!(answered > 0, "no request was answered in {clock:?}");
    // Exact below 2^53 requests.
    #[allow(clippy::cast_precision_loss)]
    let answered = answered as f64;
    Ok(Pace { cost: used.as_secs_f64() * 1e6 / answered, rate: answered / clock.as_secs_f64() })
}

fn start_load(shape: Shape, address: SocketAddr, effort: &Effort) -> Result<Load> {
    Load::start(shape, address, effort.connections.into(), effort.load_threads.into())
}
