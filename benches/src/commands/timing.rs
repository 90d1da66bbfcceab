//! How long what hurts takes, seen by clients: a killed worker, all of them killed, a reload.
//!
//! Probes (see `load::Prober`) ask for the worker's process id all the time; an answer by a process that was no worker
//! before is the proof that the newcomer serves. Each time ends when the whole answer is in the client's hands.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::load::{Prober, Probes, Sighting};
use crate::measure::exists;
use crate::options::Effort;
use crate::process::{Artifacts, Contender, Running, kill_now, reload};
use crate::report::{Report, Table, spread};
use crate::rounds::progress;
use crate::series::Series;

const WORKERS: usize = 2;

/// How long any of it may take before the trial is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long failures are still looked for when the time has been taken.
const AFTERMATH: Duration = Duration::from_millis(200);

/// A probe each millisecond: what the times are exact to. Connections are left open, because the survivors hold back from
/// accepting only while they have more of them than the newcomer.
const DEATH: Probes = Probes { every: Duration::from_millis(1), volley: 1, hold: true };

/// Two at once, for one request each: an open connection would keep its worker from leaving.
const RELOAD: Probes = Probes { every: Duration::from_millis(2), volley: 2, hold: false };

/// One thing that is timed.
struct Feat {
    name: &'static str,
    /// Milliseconds that the median is to stay within.
    most: f64,
    trial: fn(&Running, usize) -> Result<Trial>,
}

/// One trial's outcome.
struct Trial {
    took: Duration,
    /// Probes begun after the event that failed.
    failed: usize,
}

const FEATS: [Feat; 3] = [
    Feat { name: "one of 2 workers killed, until its replacement answers", most: 20.0, trial: kill_one },
    Feat { name: "all 2 workers killed, until anybody answers", most: 20.0, trial: kill_all },
    Feat { name: "reload, until all 2 new workers have answered and the old are gone", most: 100.0, trial: reload_all },
];

/// Times all three, over and over on one running arbiter: a server has to do this more than once, too. Gunicorn, if it
/// is installed, takes part in turn; its application loads no more than hello does.
pub fn timing(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let mut contenders = vec![Contender::rustcorn(artifacts, WORKERS, &[])];
    contenders.extend(Contender::gunicorn(WORKERS));
    let mut report = Report::new("timing", "How long what hurts takes");
    report.say(&format!(
        "Milliseconds from just before the signal is sent until the client has the answer, {} trials: median (min - max). \
         Failed: probes begun after the signal that were refused, reset, cut short or answered with an error.",
        effort.trials
    ));
    let mut table = Table::new(&["what", "contender", "ms", "failed probes"]);
    let mut goals = Vec::new();
    for feat in FEATS {
        let outcomes = trials(&feat, &contenders, effort)?;
        for (contender, outcome) in contenders.iter().zip(&outcomes) {
            let times = spread(&outcome.times, 1);
            table.row([feat.name.to_owned(), contender.name.clone(), times, outcome.failed.to_string()]);
        }
        // Only rustcorn, the first, has goals.
        let (median, failed) = (outcomes[0].times.median(), outcomes[0].failed);
        let what = format!("{}: within {} ms and nobody fails: {median:.1} ms, {failed} failed", feat.name, feat.most);
        goals.push((median <= feat.most && failed == 0, what));
    }
    report.table(&table);
    goals.iter().for_each(|(met, what)| report.goal(*met, what));
    Ok(report)
}

/// All trials of one contender.
#[derive(Default)]
struct Outcome {
    times: Series,
    failed: usize,
}

fn trials(feat: &Feat, contenders: &[Contender<'_>], effort: &Effort) -> Result<Vec<Outcome>> {
    let running = contenders.iter().map(Contender::start).collect::<Result<Vec<_>>>()?;
    let mut outcomes: Vec<Outcome> = contenders.iter().map(|_| Outcome::default()).collect();
    for number in 0..usize::from(effort.trials) {
        progress(&format!("trial {} of {}: {}", number + 1, effort.trials, feat.name));
        for (running, outcome) in running.iter().zip(&mut outcomes) {
            let trial = (feat.trial)(running, number);
            let trial = trial.with_context(|| format!("{}; the log ends:\n{}", feat.name, running.last_words()))?;
            outcome.times.push(trial.took.as_secs_f64() * 1e3);
            outcome.failed += trial.failed;
            running.wait_for_workers(WORKERS, Instant::now() + PATIENCE)?;
        }
    }
    Ok(outcomes)
}

fn kill_one(running: &Running, number: usize) -> Result<Trial> {
    let before = running.workers()?;
    let victims = [before[number % before.len()]];
    until_a_newcomer_answers(running, &before, &victims)
}

fn kill_all(running: &Running, _number: usize) -> Result<Trial> {
    let before = running.workers()?;
    until_a_newcomer_answers(running, &before, &before)
}

fn until_a_newcomer_answers(running: &Running, before: &[i32], victims: &[i32]) -> Result<Trial> {
    let prober = start_probing(DEATH, running)?;
    let begun = Instant::now();
    victims.iter().try_for_each(|victim| kill_now(*victim))?;
    let mut failures = Failures::after(Instant::now());
    let deadline = begun + PATIENCE;
    loop {
        let sighting = prober.next(deadline)?.context("nobody new answers")?;
        failures.count(&sighting);
        match sighting.answer {
            Ok((pid, at)) if !before.contains(&pid) => {
                failures.count_until(&prober, Instant::now() + AFTERMATH)?;
                return Ok(Trial { took: at - begun, failed: failures.number });
            }
            _ if Instant::now() > deadline => bail!("nobody new answers"),
            _ => {}
        }
    }
}

fn reload_all(running: &Running, _number: usize) -> Result<Trial> {
    let before = running.workers()?;
    let prober = start_probing(RELOAD, running)?;
    let begun = Instant::now();
    reload(running.pid())?;
    let mut failures = Failures::after(begun);
    let mut newcomers: BTreeMap<i32, Instant> = BTreeMap::new();
    let mut gone = None;
    let deadline = begun + PATIENCE;
    loop {
        if let Some(sighting) = prober.next(Instant::now() + RELOAD.every)? {
            failures.count(&sighting);
            if let Ok((pid, at)) = sighting.answer
                && !before.contains(&pid)
            {
                newcomers.entry(pid).or_insert(at);
            }
        }
        if gone.is_none() && !before.iter().any(|pid| exists(*pid)) {
            gone = Some(Instant::now());
        }
        if let Some(gone) = gone.filter(|_| newcomers.len() >= before.len()) {
            let served = newcomers.values().copied().max().unwrap_or(gone);
            failures.count_until(&prober, Instant::now() + AFTERMATH)?;
            return Ok(Trial { took: gone.max(served) - begun, failed: failures.number });
        }
        if Instant::now() > deadline {
            let old = before.iter().filter(|pid| exists(**pid)).count();
            bail!("{} of {} new workers have answered, {old} old ones are still there", newcomers.len(), before.len());
        }
    }
}

/// Begins to probe and waits for the first answer, so that the probes are under way when it happens.
fn start_probing(probes: Probes, running: &Running) -> Result<Prober> {
    let prober = Prober::start(probes, running.address())?;
    let first = prober.next(Instant::now() + PATIENCE)?.context("no probe comes back")?;
    first.answer.context("the first probe failed before anything was done")?;
    Ok(prober)
}

/// The probes that failed although they began after the event.
struct Failures {
    after: Instant,
    number: usize,
}

impl Failures {
    fn after(after: Instant) -> Self {
        Self { after, number: 0 }
    }

    fn count(&mut self, sighting: &Sighting) {
        if let Err(problem) = &sighting.answer
            && sighting.begun > self.after
        {
            progress(&format!("a probe failed: {problem:#}"));
            self.number += 1;
        }
    }

    fn count_until(&mut self, prober: &Prober, deadline: Instant) -> Result<()> {
        while Instant::now() < deadline {
            if let Some(sighting) = prober.next(deadline)? {
                self.count(&sighting);
            }
        }
        Ok(())
    }
}
