//! `rustcorn`: the command line.

fn main() {}
