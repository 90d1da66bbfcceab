//! The command line.

use clap::{Args, Parser, Subcommand};
use std::time::Duration;

/// Measures rustcorn side by side with what it must not cost more than.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
pub struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub command: Command,
}

/// What to measure.
#[derive(Subcommand)]
pub enum Command {
    /// Processor time per request: rustcorn, a hyper loop written by hand, `axum::serve`.
    Cpu(Effort),
    /// How evenly connections are spread over workers, and what that costs one-request connections.
    Balance(Effort),
    /// How soon a killed worker is replaced, a killed service is back, a reload is done.
    Timing(Effort),
    /// What the arbiter costs while nothing happens.
    Idle(Effort),
    /// All of them, one after the other.
    All(Effort),
    /// Be one of the contenders: used by this program itself.
    #[command(hide = true)]
    Peer {
        /// Which one.
        #[command(subcommand)]
        peer: Peer,
    },
}

/// How much work to put into the numbers.
#[derive(Args, Clone, Debug)]
pub struct Effort {
    /// Interleaved rounds of each comparison.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Seconds that each contender is measured in a round.
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// Seconds of load before that, not measured.
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    pub warmup: f64,
    /// Clients of the load generator.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// Threads of the load generator.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub load_threads: u16,
    /// Repetitions of each thing that is timed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub trials: u16,
    /// Seconds that the idle arbiter is watched.
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    pub idle_seconds: f64,
    /// Only print the tables; leave benches/results as it is.
    #[arg(long)]
    pub no_save: bool,
}

impl Effort {
    /// How long a contender is measured in a round.
    pub fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// How long it is loaded before.
    pub fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup)
    }

    /// How long the idle arbiter is watched.
    pub fn idle_span(&self) -> Duration {
        Duration::from_secs_f64(self.idle_seconds)
    }
}

/// A contender that lives in this program.
#[derive(Clone, Copy, Subcommand)]
pub enum Peer {
    /// The hand-written hyper loop.
    Bare,
    /// `axum::serve`.
    AxumServe {
        /// Threads of the runtime.
        #[arg(long)]
        threads: usize,
    },
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (0.1..=3600.0).contains(&number) => Ok(number),
        _ => Err("expected a number of seconds from 0.1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn spans_without_a_sense_are_refused() {
        for bad in ["0", "-1", "NaN", "inf", "1e9", "soon"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
