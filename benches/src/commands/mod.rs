//! The measurements, one file each. Each makes its own page; a goal that is missed is said there and is no failure of
//! the run, a request that failed is.

mod balance;
mod burst;
mod cpu;
mod idle;
mod log;
mod memory;
mod pace;
mod python;
mod short;
mod timing;

use anyhow::Result;
use clap::ValueEnum;

use crate::options::{Effort, What};
use crate::process::{Artifacts, end_with_us, raise_descriptors};
use crate::report::Report;

/// Builds what is measured, measures, publishes each page as soon as it is there.
pub fn run(effort: &Effort) -> Result<()> {
    end_with_us()?;
    raise_descriptors()?;
    let everything = What::value_variants();
    let chosen = if effort.what.is_empty() { everything } else { &effort.what };
    let python = |what: &What| matches!(what, What::Asgi | What::Wsgi | What::Latency | What::Scale);
    let (rust, python) = (chosen.iter().any(|what| !python(what)), chosen.iter().any(python));
    let artifacts = Artifacts::build(rust && !effort.no_build, python && !effort.no_build)?;
    for what in chosen {
        measure(*what, &artifacts, effort)?.publish(!effort.no_save)?;
    }
    Ok(())
}

fn measure(what: What, artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    match what {
        What::Idle => idle::idle(artifacts, effort),
        What::Cpu => cpu::cpu(artifacts, effort),
        What::Short => short::short(artifacts, effort),
        What::Log => log::log(artifacts, effort),
        What::Memory => memory::memory(artifacts, effort),
        What::Balance => balance::balance(artifacts, effort),
        What::Timing => timing::timing(artifacts, effort),
        What::Asgi => python::asgi(artifacts, effort),
        What::Wsgi => python::wsgi(artifacts, effort),
        What::Latency => python::latency(artifacts, effort),
        What::Scale => python::scale(artifacts, effort),
    }
}
