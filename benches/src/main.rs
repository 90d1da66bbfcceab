//! `rustcorn-benches`: what rustcorn costs, measured side by side with its peers. How to run it and how to read what it
//! says: README.md in this package.

mod commands;
mod contenders;
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
    let options = Options::parse();
    match options.command {
        Some(Command::Peer { peer: Peer::Bare }) => peers::bare(peers::listen()?),
        Some(Command::Peer { peer: Peer::AxumServe { threads } }) => peers::axum_serve(peers::listen()?, threads),
        None => commands::run(&options.effort),
    }
}
