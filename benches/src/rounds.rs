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

/// A measurement that is taken in slices.
pub trait Slice {
    /// Takes what the next slice saw to what this one saw.
    fn extend(&mut self, next: Self);
}

/// How contenders that are all running take turns.
#[derive(Clone, Copy)]
pub struct Turns {
    /// How often all are started afresh.
    pub rounds: usize,
    /// Into how many slices a measurement is cut in each round. The less time is between those of two contenders, the more
    /// alike the machine was for both.
    pub slices: usize,
    /// The processor that they share, if they are not free to choose.
    pub cpu: Option<usize>,
}

/// Starts all contenders at the beginning of each round and has them take turns, slice by slice, at each step. The measurement is
/// told whether it is the first of this contender at this step. The outcomes by contender, then by round, then by step.
pub fn alternate<S, T: Slice>(
    turns: &Turns,
    contenders: &[Contender<'_>],
    steps: &[S],
    mut measure: impl FnMut(&Running, &S, First) -> Result<T>,
) -> Result<Vec<Vec<Vec<T>>>> {
    let mut outcomes: Vec<Vec<Vec<T>>> = contenders.iter().map(|_| Vec::with_capacity(turns.rounds)).collect();
    for round in 1..=turns.rounds {
        let running = contenders.iter().map(|contender| contender.start(turns.cpu)).collect::<Result<Vec<_>>>()?;
        outcomes.iter_mut().for_each(|rounds| rounds.push(Vec::with_capacity(steps.len())));
        for (number, step) in steps.iter().enumerate() {
            progress(&format!("round {round} of {}, step {} of {}", turns.rounds, number + 1, steps.len()));
            for slice in 0..turns.slices {
                let first = First { here: slice == 0, ever: slice == 0 && round == 1 };
                for ((contender, running), rounds) in contenders.iter().zip(&running).zip(&mut outcomes) {
                    let seen = measure(running, step, first)
                        .with_context(|| format!("{}; its log ends:\n{}", contender.name, running.last_words()))?;
                    let Some(steps) = rounds.last_mut() else { continue };
                    match steps.get_mut(number) {
                        Some(so_far) => so_far.extend(seen),
                        None => steps.push(seen),
                    }
                }
            }
        }
    }
    Ok(outcomes)
}

/// Which slice this is.
#[derive(Clone, Copy)]
pub struct First {
    /// The first of its round: nothing is warm.
    pub here: bool,
    /// The first of all rounds.
    pub ever: bool,
}

/// Tells whoever waits what is going on. On stderr, so that stdout holds the tables alone.
pub fn progress(text: &str) {
    // Whoever closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "{text}");
}
