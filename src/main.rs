//! `rustcorn`: the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    rustcorn::cli::main()
}
