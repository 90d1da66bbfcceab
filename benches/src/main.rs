//! `rustcorn-benches`: what rustcorn costs, measured side by side with its peers. How to run it and how to read what it
//! says: README.md in this package.

mod commands;
mod load;
mod measure;
mod options;
mod peers;
mod process;
mod report;
mod rounds;
mod series;

use anyhow::Result;
use clap::Parser;
use options::{Command, Options, Peer};

fn main() -> Result<()> {
    match Options::parse().command {
        Command::Peer { peer: Peer::Bare } => peers::bare(peers::listen()?),
        Command::Peer { peer: Peer::AxumServe { threads } } => peers::axum_serve(peers::listen()?, threads),
        Command::Cpu(effort) => commands::run(&[commands::cpu], &effort),
        Command::Balance(effort) => commands::run(&[commands::balance], &effort),
        Command::Timing(effort) => commands::run(&[commands::timing], &effort),
        Command::Idle(effort) => commands::run(&[commands::idle], &effort),
        Command::All(effort) => {
            commands::run(&[commands::idle, commands::timing, commands::balance, commands::cpu], &effort)
        }
    }
}
