//! How long what hurts takes, seen by clients: a start, a killed worker, all of them killed, a reload.
//!
//! Probes (see `load::Prober`) ask for the worker's process id all the time; an answer by a process that was no worker
//! before is the proof that the newcomer serves. Each time ends when the whole answer is in the client's hands.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::contenders::{AXUM_SERVE, BARE, Entry, Field, GUNICORN, NGINX, RUSTCORN};
use crate::load::{Prober, Probes, Sighting};
use crate::measure::exists;
use crate::options::Effort;
use crate::process::{Artifacts, Running, kill_now, reload};
use crate::report::{Metric, Report, Sheet};
use crate::rounds::progress;
use crate::series::Series;

const WORKERS: usize = 2;

/// Who can be hurt: servers that supervise workers and tell on `/whoami` which of them answers.
const SUPERVISORS: [Entry; 3] = [RUSTCORN.with(WORKERS), NGINX.with(WORKERS), GUNICORN.with(WORKERS)];

/// Who can only be started.
const LONERS: [Entry; 2] = [BARE.with(1), AXUM_SERVE.with(WORKERS)];

const METRICS: &[Metric] = &[Metric::plotted("ms", "ms", 1), Metric::told("failed", "failed probes", 0)];

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
    key: &'static str,
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
    Feat {
        key: "one-killed",
        name: "one of 2 workers killed, until its replacement answers",
        most: 20.0,
        trial: kill_one,
    },
    Feat { key: "all-killed", name: "all 2 workers killed, until anybody answers", most: 20.0, trial: kill_all },
    Feat {
        key: "reload",
        name: "reload, until all 2 new workers have answered and the old are gone",
        most: 100.0,
        trial: reload_all,
    },
];

/// Times the starts of all contenders, then what happens to those with workers, over and over on one running arbiter: a
/// server has to do this more than once, too. Gunicorn takes part if it is installed; its application loads no more than
/// hello does.
pub fn timing(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let (supervisors, loners) = (Field::of(&SUPERVISORS, artifacts, effort)?, Field::of(&LONERS, artifacts, effort)?);
    let ours = SUPERVISORS[0].to_string();
    let mut report = Report::new("timing", "How long what hurts takes", &[&supervisors, &loners]);
    report.say(&format!(
        "Milliseconds from just before the command or the signal until the client has the answer, {} trials: median \
         (min - max). Failed: probes begun after the signal that were refused, reset, cut short or answered with an \
         error, in all trials together.",
        effort.trials
    ));
    report.say("From the start of the command to the first answer:");
    report.sheet(&starts(&[&supervisors, &loners], effort)?);
    let mut goals = Vec::new();
    for feat in FEATS {
        let sheet = trials(&feat, &supervisors, effort)?;
        report.say(&format!("{}:", feat.name));
        report.sheet(&sheet);
        if let (Some(times), Some(failed)) = (sheet.series(&ours, "ms"), sheet.series(&ours, "failed")) {
            let (median, failed) = (times.median(), failed.max());
            let what =
                format!("{}: within {} ms and nobody fails: {median:.1} ms, {failed} failed", feat.name, feat.most);
            goals.push((median <= feat.most && failed < 0.5, what));
        }
    }
    goals.iter().for_each(|(met, what)| report.goal(*met, what));
    Ok(report)
}

/// The times to Ready, in interleaved rounds.
fn starts(fields: &[&Field<'_>], effort: &Effort) -> Result<Sheet> {
    const METRICS: &[Metric] = &[Metric::plotted("ms", "ms", 1)];
    let contenders: Vec<_> = fields.iter().flat_map(|field| &field.contenders).collect();
    let mut times = vec![Series::default(); contenders.len()];
    for trial in 1..=effort.trials {
        progress(&format!("trial {trial} of {}: starts", effort.trials));
        for (contender, times) in contenders.iter().zip(&mut times) {
            times.push(contender.start(None)?.boot().as_secs_f64() * 1e3);
        }
    }
    let mut sheet = Sheet::new("start", METRICS, "");
    for (contender, times) in contenders.iter().zip(times) {
        sheet.row(&contender.name, &contender.name, vec![times]);
    }
    Ok(sheet)
}

/// All trials of one feat, the contenders in turn.
fn trials(feat: &Feat, field: &Field<'_>, effort: &Effort) -> Result<Sheet> {
    let running = field.contenders.iter().map(|contender| contender.start(None)).collect::<Result<Vec<_>>>()?;
    let mut times = vec![Series::default(); running.len()];
    let mut failed = vec![0; running.len()];
    for number in 0..usize::from(effort.trials) {
        progress(&format!("trial {} of {}: {}", number + 1, effort.trials, feat.name));
        for (index, running) in running.iter().enumerate() {
            let trial = (feat.trial)(running, number);
            let trial = trial.with_context(|| {
                format!("{}, {}; the log ends:\n{}", field.contenders[index].name, feat.name, running.last_words())
            })?;
            times[index].push(trial.took.as_secs_f64() * 1e3);
            failed[index] += trial.failed;
            running.wait_for_workers(WORKERS, Instant::now() + PATIENCE)?;
        }
    }
    let mut sheet = Sheet::new(feat.key, METRICS, "");
    for ((contender, times), failed) in field.contenders.iter().zip(times).zip(failed) {
        // A handful.
        let failed = f64::from(u32::try_from(failed).unwrap_or(u32::MAX));
        sheet.row(&contender.name, &contender.name, vec![times, Series::from_iter([failed])]);
    }
    Ok(sheet)
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
