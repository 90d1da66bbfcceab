//! What happens in the world by itself: boots that end one way or the other, deaths, and the whims of operators.

use super::{Beat, Happening, Process, World, millis};
use rustcorn::supervisor::{Event, Intent};
use rustcorn::types::{ExitStatus, Pid, Signal};

impl World {
    pub(super) fn turn_into_events(&mut self, happening: Happening) -> Vec<Event> {
        match happening {
            Happening::Forks(slot) => self.forks(slot),
            Happening::Boots(pid) if self.has_loaded(pid) => vec![],
            Happening::Boots(pid) => self.boots(pid),
            Happening::BootFails(pid, code) => self.boot_fails(pid, code),
            Happening::Dies(pid, status) => {
                let reaped = self.processes.remove(&pid).map(|_| Event::Exited { pid, status });
                reaped.into_iter().collect()
            }
            Happening::Hangs(pid) => {
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.beat = Beat::StoppedAt(self.now);
                    self.tally.count("hang");
                }
                vec![]
            }
            Happening::WearsOut(pid) if self.processes.contains_key(&pid) => {
                let again = self.rng.permille(100);
                let due = self.rng.permille(500);
                let event = Event::RecycleWanted { pid, reason: "max_requests (1000) reached".into(), due };
                if again { vec![event.clone(), event] } else { vec![event] }
            }
            Happening::Traces(pid) if self.processes.contains_key(&pid) => vec![Event::Traced { pid }],
            Happening::WearsOut(_) | Happening::Traces(_) => vec![],
            Happening::IsTold(pid) => self.is_told(pid),
            Happening::SaysLeaving(pid) if self.processes.contains_key(&pid) => vec![Event::Leaving { pid }],
            Happening::SaysLeaving(_) => vec![],
            Happening::LoadEnds(generation) => vec![self.load(generation)],
            Happening::BuildEnds if self.building => {
                self.building = false;
                vec![Event::Built { ok: !self.odds(self.climate.mishap) }]
            }
            Happening::BuildEnds => vec![],
            Happening::UpgradeServes(pid) if self.upgrade == Some(pid) => vec![Event::UpgradeReady { pid }],
            Happening::UpgradeDies(pid) if self.upgrade == Some(pid) => {
                self.upgrade = None;
                self.tally.count("upgrade lost");
                vec![Event::Exited { pid, status: ExitStatus::Code(1) }]
            }
            Happening::UpgradeServes(_) | Happening::UpgradeDies(_) => vec![],
            Happening::PredecessorLeaves => vec![Event::Promoted],
            Happening::Whim => self.whim(),
        }
    }

    fn boots(&mut self, pid: Pid) -> Vec<Event> {
        let Some(process) = self.processes.get_mut(&pid) else { return vec![] };
        process.ready = true;
        self.ever_ready = true;
        let life = self.climate.life;
        if self.odds(self.climate.crashes) {
            let status = self.any_status();
            self.soon(0, life, Happening::Dies(pid, status));
        }
        if self.odds(self.climate.hangs) {
            self.soon(0, life, Happening::Hangs(pid));
        }
        if self.odds(self.climate.wears_out) {
            self.soon(0, life, Happening::WearsOut(pid));
        }
        if self.odds(self.climate.killings) {
            self.soon(0, life, Happening::IsTold(pid));
        }
        vec![Event::Ready { pid }]
    }

    /// By `kill`, not by the machine.
    fn is_told(&mut self, pid: Pid) -> Vec<Event> {
        let hears = |process: &Process| !process.deaf && process.beat == Beat::Steady && !process.dying;
        if self.processes.get(&pid).is_some_and(hears) {
            self.tally.count("told by others");
            let signal = self.rng.pick(&[Signal::TERM, Signal::QUIT]);
            self.signal(pid, signal);
        }
        vec![]
    }

    fn boot_fails(&mut self, pid: Pid, code: i32) -> Vec<Event> {
        if !self.processes.contains_key(&pid) {
            return vec![];
        }
        if code < 0 {
            let status = self.any_status();
            self.dies_within(pid, 5, status);
            return vec![];
        }
        self.dies_within(pid, 50, ExitStatus::Code(code));
        vec![Event::BootFailed { pid, code, reason: "the application says no".into() }]
    }

    fn whim(&mut self) -> Vec<Event> {
        let gap = self.climate.gap;
        self.soon(0, gap, Happening::Whim);
        if self.odds(self.climate.edits) {
            return vec![Event::FilesChanged];
        }
        if self.odds(self.climate.outages) {
            self.outage = self.now.after(millis(self.rng.within(1_000, 120_000)));
            return vec![];
        }
        if self.rng.permille(20) {
            return vec![self.stranger()];
        }
        let intent = self.rng.pick(&self.climate.intents);
        self.tally.count(match intent {
            Intent::RetireWorkers => "winch",
            Intent::Reload => "hup",
            _ => "other intent",
        });
        vec![Event::Intent(intent)]
    }

    /// News of somebody whom the machine does not know.
    fn stranger(&mut self) -> Event {
        let pid = Pid(7);
        match self.rng.within(0, 4) {
            0 => Event::Exited { pid, status: ExitStatus::Code(0) },
            1 => Event::Ready { pid },
            2 => Event::Traced { pid },
            3 => Event::RecycleWanted { pid, reason: "who?".into(), due: false },
            _ => Event::Deadline,
        }
    }
}
