//! What kind of world a seed makes. Every kind of trouble is left out of many seeds and is plentiful in others, so that
//! the seeds explore corners together which one average storm would never reach.

use crate::rng::Rng;
use rustcorn::supervisor::{Intent, Terms};
use std::time::Duration;

/// The odds (of a thousand) and spans (in milliseconds) of one world.
pub struct Climate {
    pub capacity: u16,
    /// How long the storm lasts.
    pub storm: u64,
    /// Longest pause between two intents.
    pub gap: u64,
    /// What operators do here; twice in the list is twice as likely.
    pub intents: Vec<Intent>,
    /// Longest boot.
    pub boot: u64,
    /// Longest drain.
    pub drain: u64,
    /// Longest life of a worker that crashes.
    pub life: u64,
    /// A boot fails, by a word or silently.
    pub boot_fails: u64,
    /// A boot takes for ever.
    pub boot_hangs: u64,
    /// A ready worker crashes some time.
    pub crashes: u64,
    /// A ready worker stands still some time.
    pub hangs: u64,
    /// A ready worker asks to be replaced.
    pub wears_out: u64,
    /// Somebody else tells a ready worker to go.
    pub killings: u64,
    /// A process hears nothing but KILL.
    pub deaf: u64,
    /// Fork fails.
    pub no_fork: u64,
    /// A worker is forked by a process that has the application, which takes its time.
    pub late_fork: u64,
    /// Settings are refused.
    pub refused: u64,
    /// No worker of a loaded generation ever boots.
    pub bad_generation: u64,
    /// A load takes its time.
    pub slow_load: u64,
    /// The arbiter sleeps, instead of an intent.
    pub sleeps: u64,
    /// Files change, instead of an intent.
    pub edits: u64,
    /// Something that every boot needs is away for a while, instead of an intent.
    pub outages: u64,
    /// A build fails, an upgrade fails.
    pub mishap: u64,
}

impl Climate {
    pub fn new(rng: &mut Rng) -> Self {
        let mut odds = |most: u64| if rng.permille(500) { rng.within(1, most) } else { 0 };
        let (boot_fails, boot_hangs, crashes, hangs) = (odds(500), odds(150), odds(900), odds(300));
        let (wears_out, killings, deaf, no_fork) = (odds(500), odds(500), odds(300), odds(400));
        let (refused, bad_generation, slow_load) = (odds(600), odds(600), odds(800));
        let (sleeps, edits, outages, mishap) = (odds(200), odds(300), odds(100), odds(600));
        let late_fork = odds(1_000);
        let gap = rng.pick(&[2, 20, 200, 2_000, 8_000]);
        // A few hundred intents are a storm, however long it lasts.
        let storm = rng.within(500, 60_000.min(gap * 150).max(1_000));
        Self {
            capacity: u16::try_from(rng.within(10, 24)).expect("small"),
            storm,
            gap,
            intents: intents(rng),
            boot: rng.pick(&[1, 30, 400, 6_000]),
            drain: rng.pick(&[1, 50, 1_000, 20_000]),
            life: rng.pick(&[5, 900, 5_000, 30_000]),
            boot_fails,
            boot_hangs,
            crashes,
            hangs,
            wears_out,
            killings,
            deaf,
            no_fork,
            late_fork,
            refused,
            bad_generation,
            slow_load,
            sleeps,
            edits,
            outages,
            mishap,
        }
    }
}

fn intents(rng: &mut Rng) -> Vec<Intent> {
    use Intent::{FewerWorkers, MoreWorkers, Reload, ReopenLogs, RetireWorkers, StopGracefully, StopQuickly, Upgrade};
    let mut list = vec![ReopenLogs];
    for (intent, odds, weight) in [
        (Reload, 800, 30),
        (MoreWorkers, 600, 20),
        (FewerWorkers, 600, 20),
        (Upgrade, 300, 10),
        (RetireWorkers, 300, 4),
        (StopGracefully, 150, 1),
        (StopQuickly, 150, 1),
    ] {
        if rng.permille(odds) {
            list.extend(std::iter::repeat_n(intent, usize::try_from(rng.within(1, weight)).expect("small")));
        }
    }
    list
}

/// Settings as some operator would write them; never more processes than there are seats.
pub fn terms(rng: &mut Rng, capacity: u16) -> Terms {
    let workers = u16::try_from(rng.within(1, u64::from(capacity) / 2)).expect("small");
    let surge = u16::try_from(rng.within(1, u64::from(workers))).expect("small");
    let mut seconds = |from: &[u64]| Duration::from_secs(rng.pick(from));
    Terms {
        workers,
        surge,
        timeout: seconds(&[0, 2, 5, 30]),
        graceful_timeout: seconds(&[0, 1, 5, 15]),
        boot_timeout: seconds(&[0, 2, 5, 20]),
        reload_delay: Duration::from_millis(rng.within(0, 500)),
        build_on_change: rng.permille(500),
    }
}
