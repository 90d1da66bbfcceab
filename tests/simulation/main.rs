//! Storms of deaths, signals, reloads and sleeps, one per seed, and after each event the question whether every rule
//! still holds. A seed that fails is printed with what led to it; `RUSTCORN_SIM_SEED=<seed>` plays it again alone, and
//! `RUSTCORN_SIM_SEEDS=<count>` plays more of them.

#![cfg(feature = "arbiter")]

mod climate;
mod entry;
mod play;
mod rng;
mod shadow;
mod tally;
mod world;

use play::{Trace, play};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use tally::Tally;

const SEEDS: u64 = 2_500;

/// What the seeds together must have come across, or they prove less than they seem to.
const SIGHTS: [&str; 23] = [
    "abandoned",
    "boot timeout",
    "broken",
    "build",
    "drain overdue",
    "exit",
    "found hung",
    "hang",
    "hup",
    "late start",
    "no fork",
    "no start",
    "refused",
    "reloaded",
    "rest",
    "sleep",
    "spawn",
    "stop",
    "told by others",
    "upgrade lost",
    "upgraded",
    "winch",
    "withdrawn",
];

#[test]
fn every_rule_holds_in_every_storm() {
    if let Some(seed) = number("RUSTCORN_SIM_SEED") {
        if let Err(breach) = attempt(seed, &mut Trace::default()) {
            panic!("{}", report(seed, &breach));
        }
        return;
    }
    let seeds = number("RUSTCORN_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, threads) = (AtomicU64::new(0), std::thread::available_parallelism().map_or(1, usize::from));
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds) {
                    let result = attempt(seed, &mut Trace::default());
                    // Others need not go on once one has failed.
                    if result.is_err() {
                        next.store(seeds, Ordering::Relaxed);
                    }
                    let _ = sender.send((seed, result));
                }
            });
        }
    });
    drop(sender);
    let mut tally = Tally::default();
    for (seed, result) in results {
        match result {
            Ok(sights) => tally.merge(&sights),
            Err(breach) => panic!("{}", report(seed, &breach)),
        }
    }
    let unseen: Vec<_> = SIGHTS.iter().filter(|sight| tally.of(sight) == 0).collect();
    assert!(seeds < SEEDS || unseen.is_empty(), "no seed has come across {unseen:?}: {tally:?}");
}

#[test]
fn a_seed_repeats_itself() {
    let mut first = Trace::on();
    let mut second = Trace::on();
    assert_eq!(attempt(11, &mut first).is_ok(), attempt(11, &mut second).is_ok());
    assert!(first.last(usize::MAX) == second.last(usize::MAX) && first.last(100).lines().count() == 100);
}

fn attempt(seed: u64, trace: &mut Trace) -> Result<Tally, String> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, trace)));
    played.unwrap_or_else(|_| Err("panicked, see above".into()))
}

/// Plays the seed once more, this time writing down what happens.
fn report(seed: u64, breach: &str) -> String {
    let mut trace = Trace::on();
    let _ = attempt(seed, &mut trace);
    let lines = number("RUSTCORN_SIM_LINES").unwrap_or(60);
    let story = trace.last(usize::try_from(lines).unwrap_or(usize::MAX));
    format!("{story}\n\nseed {seed}: {breach}\n(RUSTCORN_SIM_SEED={seed} plays it again)")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
