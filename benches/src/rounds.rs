//! Interleaved rounds: A B C A B C ... so that a slow minute of the machine hits every contender alike.

use anyhow::{Context, Result};
use std::io::Write;

use crate::contenders::Contender;
use crate::process::Running;

/// Starts each contender once a round, afresh, on one processor if `cpu` says which, and measures it; tells the outcomes by contender, then by round.
pub fn interleave<T>(
    rounds: usize,
    contenders: &[Contender<'_>],
    cpu: Option<usize>,
    mut measure: impl FnMut(&Running) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut outcomes: Vec<Vec<T>> = contenders.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 1..=rounds {
        for (contender, outcomes) in contenders.iter().zip(&mut outcomes) {
            progress(&format!("round {round} of {rounds}: {}", contender.name));
            let running = contender.start(cpu)?;
            let outcome = measure(&running);
            outcomes
                .push(outcome.with_context(|| format!("{}; its log ends:\n{}", contender.name, running.last_words()))?);
        }
    }
    Ok(outcomes)
}

/// Tells whoever waits what is going on. On stderr, so that stdout holds the tables alone.
pub fn progress(text: &str) {
    // Whoever closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "{text}");
}
