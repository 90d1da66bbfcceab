//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::time::Duration;

/// Measures rustcorn side by side with what it must not cost more than.
#[derive(Parser)]
#[command(version, max_term_width = 120, args_conflicts_with_subcommands = true)]
pub struct Options {
    /// Being one of the contenders instead.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to do otherwise.
    #[command(flatten)]
    pub effort: Effort,
}

/// What this program uses itself for.
#[derive(Subcommand)]
pub enum Command {
    /// Be one of the contenders: used by this program itself.
    #[command(hide = true)]
    Peer {
        /// Which one.
        #[command(subcommand)]
        peer: Peer,
    },
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// What the arbiter costs while nothing happens.
    Idle,
    /// Requests over keep-alive connections: processor time, rate, latency, memory.
    Cpu,
    /// One request per connection.
    Short,
    /// What an access log costs.
    Log,
    /// Memory for each idle connection.
    Memory,
    /// How evenly connections are spread over workers, and what that costs one-request connections.
    Balance,
    /// How soon a server is ready, a killed worker is replaced, a killed service is back, a reload is done.
    Timing,
    /// Python: ASGI applications beside Granian, uvicorn, Gunicorn and Hypercorn.
    Asgi,
    /// Python: WSGI applications beside Granian and Gunicorn.
    Wsgi,
    /// Python: one client alone.
    Latency,
    /// Python: all of that with 1, 64 and 256 clients, one worker and as many as processors; a fifth of the rounds.
    Scale,
}

/// How much work to put into which numbers.
#[derive(Args, Clone, Debug)]
pub struct Effort {
    /// What to measure; everything if nothing is named.
    #[arg(value_enum)]
    pub what: Vec<What>,
    /// Only contenders whose name contains this; may be repeated. `--only rustcorn --only nginx`.
    #[arg(long)]
    pub only: Vec<String>,
    /// Interleaved rounds of each comparison.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Seconds that each contender is measured in a round; for Python a quarter of that for each workload.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
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
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub trials: u16,
    /// Idle connections, in steps.
    #[arg(long, value_delimiter = ',', default_values_t = [3000, 10_000], num_args = 1..,
          value_parser = clap::value_parser!(u16).range(1..=20_000))]
    pub crowd: Vec<u16>,
    /// Seconds that the idle arbiter is watched.
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    pub idle_seconds: f64,
    /// Measure what was built before, whatever it is.
    #[arg(long)]
    pub no_build: bool,
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

    /// Whether a contender of this name is to take part.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
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

    fn effort(words: &str) -> Effort {
        Options::try_parse_from(words.split(' ')).unwrap().effort
    }

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn measurements_and_contenders_are_chosen_by_name() {
        let all = effort("benches");
        assert!(all.what.is_empty() && all.wants("nginx, 1 worker"));
        assert_eq!(all.crowd, [3000, 10_000]);
        let some = effort("benches cpu short --only rustcorn --only hyper --crowd 10,20");
        assert_eq!(some.what, [What::Cpu, What::Short]);
        assert_eq!(some.crowd, [10, 20]);
        assert!(some.wants("hyper by hand, 1 thread") && !some.wants("nginx, 1 worker"));
    }

    #[test]
    fn a_peer_is_still_a_peer() {
        let options = Options::try_parse_from(["benches", "peer", "axum-serve", "--threads", "2"]).unwrap();
        assert!(matches!(options.command, Some(Command::Peer { peer: Peer::AxumServe { threads: 2 } })));
    }

    #[test]
    fn spans_without_a_sense_are_refused() {
        for bad in ["0", "-1", "NaN", "inf", "1e9", "soon"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
