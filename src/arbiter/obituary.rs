//! The line that says why a worker ended, and the lines that say what a stuck one was doing.

use super::cgroup::Verdict;
use super::terms::seconds;
use crate::scoreboard::{Facts, InFlight, Record};
use crate::supervisor::{Cause, Symptom};
use crate::types::{ExitStatus, Generation, Level, Mono, Pid, Signal, SlotId};

/// How many requests in flight one line names.
const NAMED_REQUESTS: usize = 8;

/// Nobody here wanted it to go.
const TOLD: &str = "it left, by somebody else's signal or its application's wish";

/// The requests that ended with their worker, without an answer and without a line of its own in any log: it takes each
/// out of its table when it has accounted for it, however that one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Those that the table had room for, oldest first.
    pub named: Vec<InFlight>,
    /// How many more there were.
    pub unnamed: u32,
}

impl Lost {
    /// How many they were.
    pub fn count(&self) -> u32 {
        u32::try_from(self.named.len()).unwrap_or(u32::MAX).saturating_add(self.unnamed)
    }
}

/// What the record of a dead worker, not yet vacated, says of the requests that it never finished.
pub fn lost_requests(record: &Record) -> Lost {
    let named = record.requests();
    let known = u32::try_from(named.len()).unwrap_or(u32::MAX);
    Lost { unnamed: record.snapshot().in_flight.saturating_sub(known), named }
}

/// What is known of a dead worker.
pub struct Death<'a> {
    /// Where it sat.
    pub slot: SlotId,
    /// Which process.
    pub pid: Pid,
    /// Of which load.
    pub generation: Generation,
    /// How it ended.
    pub status: ExitStatus,
    /// Why, as far as the supervisor is the reason.
    pub cause: &'a Cause,
    /// Its record on the scoreboard.
    pub facts: &'a Facts,
    /// What it took with it.
    pub lost: &'a Lost,
    /// Its largest resident set, in KiB.
    pub peak_rss_kb: u64,
    /// What the cgroup says, for a KILL that was not ours.
    pub oom: Verdict,
    /// Now.
    pub now: Mono,
}

impl Death<'_> {
    /// The level and the line.
    pub fn line(&self) -> (Level, String) {
        // The beginning is Gunicorn's, which log scrapers know.
        let how = match self.status {
            ExitStatus::Code(code) => format!("Worker (pid:{}) exited with code {code}", self.pid),
            ExitStatus::Signal { signal, core_dumped } => {
                let core = if core_dumped { ", core dumped" } else { "" };
                format!("Worker (pid:{}) was sent {signal}!{core}", self.pid)
            }
        };
        let (level, why) = self.why();
        let facts = format!(
            "worker {}, generation {}, lived {}, served {} requests, peak RSS {:.1} MB",
            self.slot,
            self.generation,
            seconds(self.now.since(self.facts.started)),
            self.facts.requests,
            self.peak_rss_kb as f64 / 1024.0,
        );
        let doing = if matches!(self.cause, Cause::Asked | Cause::Told) && self.lost.count() == 0 {
            String::new()
        } else {
            format!("; {}", doing(&self.lost.named, self.lost.count(), self.now))
        };
        (level, format!("{how}: {why} ({facts}{doing})"))
    }

    fn why(&self) -> (Level, String) {
        match self.cause {
            Cause::Asked if self.status == ExitStatus::Code(0) => (Level::Info, "it was asked to leave".into()),
            Cause::Asked if self.left_booting() => (Level::Info, "it was asked to leave before it was ready".into()),
            Cause::Asked => (Level::Warning, "it had been asked to leave, but did not end cleanly".into()),
            Cause::Told if self.status == ExitStatus::Code(0) => (Level::Info, TOLD.into()),
            Cause::Told => (Level::Warning, format!("{TOLD}, and did not end cleanly")),
            Cause::Killed(symptom) => (Level::Error, format!("rustcorn ended it: {}", complaint(*symptom))),
            Cause::QuickStop => (Level::Warning, "rustcorn ended it: it did not follow the quick stop".into()),
            Cause::BootFailed { reason, .. } => (Level::Error, format!("it could not boot: {reason}")),
            Cause::DiedBooting => (Level::Error, format!("it died before it was ready, {}", self.guess())),
            Cause::Unexpected => (Level::Error, self.guess()),
        }
    }

    /// Until the worker has handlers of its own, TERM simply ends it.
    fn left_booting(&self) -> bool {
        let term = ExitStatus::Signal { signal: Signal::TERM, core_dumped: false };
        self.facts.ready == Mono(0) && self.status == term
    }

    /// For a death that the supervisor did not cause: who else can have. Only what is known is said.
    fn guess(&self) -> String {
        match self.status {
            ExitStatus::Signal { signal: Signal::KILL, .. } => match self.oom {
                Verdict::OutOfMemory => "the kernel's OOM killer ended it: the cgroup's oom_kill counter rose".into(),
                Verdict::NotMemory => {
                    "somebody else sent the signal; the cgroup's oom_kill counter did not rise, so it was not memory"
                        .into()
                }
                Verdict::Unknown => "somebody else sent the signal; this cgroup has no oom_kill counter to ask".into(),
            },
            ExitStatus::Signal { signal: Signal::ABRT, .. } => {
                "the application aborted; its own message is above, if it wrote one".into()
            }
            ExitStatus::Signal { signal: Signal(11 | 7 | 4 | 8), .. } => "the application crashed".into(),
            ExitStatus::Signal { .. } => "somebody else sent the signal".into(),
            ExitStatus::Code(_) => "the application ended the process by itself".into(),
        }
    }
}

/// What is wrong, in words.
pub fn complaint(symptom: Symptom) -> String {
    match symptom {
        Symptom::Hung(span) => format!("no heartbeat for {} (option `timeout`)", seconds(span)),
        Symptom::BootTimeout(span) => format!("not ready after {} (option `boot_timeout`)", seconds(span)),
        Symptom::DrainOverdue(span) => format!("still there after {} (option `graceful_timeout`)", seconds(span)),
    }
}

/// The requests in flight as one phrase.
pub fn doing(requests: &[InFlight], count: u32, now: Mono) -> String {
    if requests.is_empty() {
        return if count == 0 { "no request in flight".into() } else { format!("{count} requests in flight") };
    }
    let named: Vec<_> = requests.iter().take(NAMED_REQUESTS).map(|request| describe(request, now)).collect();
    let count = usize::try_from(count).unwrap_or(usize::MAX).max(requests.len());
    let more = match count - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("in flight: {}{more}", named.join(", "))
}

/// What a worker that does not get ready is at: it says who it is before it calls the factory.
pub fn booting(facts: &Facts, kind: &str) -> &'static str {
    match facts.pid {
        // Its stacks say which of the two.
        _ if kind == "python" => "an import of its application, or its startup, does not return",
        Pid(0) => "its code is still being loaded: an import, or an initialiser of a library, does not return",
        _ => "its code is loaded, and the factory or the startup of the application does not return",
    }
}

fn describe(request: &InFlight, now: Mono) -> String {
    format!("{} {} for {}", request.method, request.path, seconds(now.since(request.since)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::Scoreboard;
    use std::time::Duration;

    fn request(path: &str) -> InFlight {
        InFlight { method: "GET".into(), path: path.into(), since: Mono(0) }
    }

    fn line(status: ExitStatus, cause: Cause, oom: Verdict) -> (Level, String) {
        let mut facts = Scoreboard::private(1).slot(SlotId(0)).snapshot();
        facts.requests = 12;
        let death = Death {
            slot: SlotId(1),
            pid: Pid(99),
            generation: Generation(3),
            status,
            cause: &cause,
            facts: &facts,
            lost: &Lost { named: vec![request("/slow")], unnamed: 0 },
            peak_rss_kb: 2048,
            oom,
            now: Mono(1_500_000_000),
        };
        death.line()
    }

    #[test]
    fn a_foreign_kill_is_not_called_memory_unless_the_cgroup_says_so() {
        let killed = ExitStatus::Signal { signal: Signal::KILL, core_dumped: false };
        let (level, text) = line(killed, Cause::Unexpected, Verdict::NotMemory);
        assert_eq!(level, Level::Error);
        assert!(text.starts_with("Worker (pid:99) was sent SIGKILL!: somebody else"), "{text}");
        assert!(text.contains("in flight: GET /slow for 1.50 s") && text.contains("served 12 requests"), "{text}");
        let (_, text) = line(killed, Cause::Unexpected, Verdict::OutOfMemory);
        assert!(text.contains("OOM killer"), "{text}");
    }

    #[test]
    fn who_was_told_by_somebody_else_has_not_ended_by_itself() {
        let (level, text) = line(ExitStatus::Code(0), Cause::Told, Verdict::NotMemory);
        assert!(level == Level::Info && text.contains("code 0: it left, by somebody else's signal"), "{text}");
        let (level, text) = line(ExitStatus::Code(101), Cause::Told, Verdict::NotMemory);
        assert!(level == Level::Warning && text.contains("did not end cleanly"), "{text}");
    }

    #[test]
    fn our_own_kill_is_owned_up_to() {
        let killed = ExitStatus::Signal { signal: Signal::KILL, core_dumped: false };
        let hung = Cause::Killed(Symptom::Hung(Duration::from_secs(30)));
        let (_, text) = line(killed, hung, Verdict::OutOfMemory);
        assert!(text.contains("rustcorn ended it: no heartbeat for 30 s") && !text.contains("OOM"), "{text}");
    }

    #[test]
    fn what_was_begun_and_not_finished_is_lost_with_the_worker() {
        let board = Scoreboard::private(1);
        let worker = board.writer(SlotId(0), true);
        assert_eq!(lost_requests(&board.slot(SlotId(0))), Lost::default());
        let answered = worker.begin("GET", b"/answered", Mono(1));
        let begun: Vec<_> = (0..20).map(|n| worker.begin("POST", format!("/{n}").as_bytes(), Mono(n + 2))).collect();
        worker.finish(answered, 200, Duration::ZERO);
        let lost = lost_requests(&board.slot(SlotId(0)));
        assert_eq!((lost.count(), lost.named.len()), (20, 15), "the table has 16 places");
        assert_eq!((&*lost.named[0].method, &*lost.named[0].path, lost.named[0].since), ("POST", "/0", Mono(2)));
        assert_eq!(lost.unnamed, 5);
        assert_eq!(begun.len(), 20);
    }

    #[test]
    fn many_requests_are_counted_not_listed() {
        let many: Vec<_> = (0..12).map(|n| request(&format!("/{n}"))).collect();
        assert!(doing(&many, 40, Mono(0)).ends_with("and 32 more"));
        assert_eq!(doing(&[], 0, Mono(0)), "no request in flight");
    }
}
