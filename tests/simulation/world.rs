//! The world that the machine believes in: processes that boot, crash, hang, hear badly or not at all; loads, builds and
//! an upgrade; all of it on a clock that jumps when told to.

mod fate;
mod orders;

use crate::climate::{Climate, terms};
use crate::rng::Rng;
use crate::tally::Tally;
use rustcorn::supervisor::{Action, Event, Symptom, Terms};
use rustcorn::types::{ExitStatus, Generation, Mono, Pid, Signal, SlotId, exit};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How a worker beats.
#[derive(Clone, Copy, PartialEq)]
enum Beat {
    Steady,
    StoppedAt(Mono),
}

struct Process {
    slot: SlotId,
    /// How long it may stand still.
    timeout: Duration,
    born: Mono,
    beat: Beat,
    deaf: bool,
    ready: bool,
    dying: bool,
    /// It loads the application, and the worker of this generation is forked from it then.
    stands_in: Option<Generation>,
}

/// Something that will happen by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Forks(SlotId),
    Boots(Pid),
    BootFails(Pid, i32),
    Dies(Pid, ExitStatus),
    Hangs(Pid),
    WearsOut(Pid),
    /// Somebody else's signal.
    IsTold(Pid),
    SaysLeaving(Pid),
    Traces(Pid),
    LoadEnds(Generation),
    BuildEnds,
    UpgradeServes(Pid),
    UpgradeDies(Pid),
    /// The arbiter that this one upgrades.
    PredecessorLeaves,
    /// An operator, an editor, or a suspended machine.
    Whim,
}

/// One world.
pub struct World {
    pub rng: Rng,
    pub climate: Climate,
    pub now: Mono,
    pub tally: Tally,
    /// This arbiter is the upgrade of another one.
    pub is_upgrade: bool,
    /// The storm is over: from now on nothing goes wrong that has not already begun to.
    pub calm: bool,
    agenda: BTreeMap<(Mono, u64), Happening>,
    entries_made: u64,
    processes: BTreeMap<Pid, Process>,
    /// Workers that somebody else was asked to fork, and since when they are wanted.
    ordered: BTreeMap<SlotId, (Generation, Mono)>,
    /// Who has loaded the application for whom.
    unborn: BTreeMap<Pid, SlotId>,
    bad: BTreeSet<Generation>,
    /// Until then no boot succeeds.
    outage: Mono,
    ever_ready: bool,
    shortest: Terms,
    timeouts: BTreeMap<Generation, Duration>,
    upgrade: Option<Pid>,
    building: bool,
    last_pid: i32,
    /// After a sleep of the machine no worker has beaten between these two.
    asleep: (Mono, Mono),
}

impl World {
    pub fn new(mut rng: Rng, climate: Climate, first: &Terms) -> Self {
        let mut bad = BTreeSet::new();
        if rng.permille(climate.bad_generation / 4) {
            bad.insert(Generation::FIRST);
        }
        let is_upgrade = rng.permille(300);
        let mut world = Self {
            rng,
            is_upgrade,
            climate,
            now: Mono(77_000_000_000),
            tally: Tally::default(),
            calm: false,
            agenda: BTreeMap::new(),
            entries_made: 0,
            processes: BTreeMap::new(),
            ordered: BTreeMap::new(),
            unborn: BTreeMap::new(),
            bad,
            outage: Mono(0),
            ever_ready: false,
            shortest: first.clone(),
            timeouts: BTreeMap::from([(Generation::FIRST, first.timeout)]),
            upgrade: None,
            building: false,
            last_pid: 1_000,
            asleep: (Mono(0), Mono(0)),
        };
        world.soon(0, 3_000, Happening::Whim);
        if is_upgrade {
            world.soon(0, 20_000, Happening::PredecessorLeaves);
        }
        world
    }

    /// When the world itself moves next.
    pub fn next(&self) -> Option<Mono> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Takes out what has happened by now; the events of it, in their order.
    pub fn happen(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let happening = entry.remove();
            events.extend(self.turn_into_events(happening));
        }
        events
    }

    /// Does what the machine wants; the answer, if one comes at once.
    pub fn perform(&mut self, action: &Action) -> Result<Option<Event>, String> {
        Ok(match *action {
            Action::Spawn { slot, generation } => self.spawn(slot, generation),
            Action::Withdraw { slot } => self.withdraw(slot),
            Action::Signal { pid, signal } => match self.unborn.get(&pid).copied() {
                Some(slot) if signal != Signal::USR1 => self.withdraw(slot),
                _ => {
                    self.signal(pid, signal);
                    None
                }
            },
            Action::ReadHeartbeat { slot } => Some(Event::Heartbeat { slot, at: self.heartbeat(slot) }),
            Action::Autopsy { pid, .. } if self.unborn.contains_key(&pid) => None,
            Action::Autopsy { pid, symptom, .. } => {
                self.judge(pid, symptom)?;
                if self.rng.permille(600) {
                    self.soon(0, 1_200, Happening::Traces(pid));
                }
                None
            }
            Action::Load { generation } => {
                if self.odds(self.climate.slow_load) {
                    self.soon(1, 3_000, Happening::LoadEnds(generation));
                    None
                } else {
                    Some(self.load(generation))
                }
            }
            // What a reload has replaced, if anything, is left now.
            Action::Settle { .. } if self.rng.permille(300) => {
                Some(Event::SocketsLeave { until: self.now.after(millis(2_200)) })
            }
            Action::CloseLeft if self.rng.permille(300) => {
                Some(Event::SocketsLeave { until: self.now.after(millis(50)) })
            }
            Action::CloseLeft => Some(Event::SocketsLeft),
            Action::StartUpgrade => Some(self.start_upgrade()),
            Action::StartBuild => {
                self.building = true;
                self.soon(1, 4_000, Happening::BuildEnds);
                None
            }
            Action::CancelBuild => {
                self.building = false;
                None
            }
            _ => None,
        })
    }

    /// The whole machine sleeps, arbiter and workers together, past everything that is due.
    pub fn sleep(&mut self, due: Option<Mono>) {
        let fell_asleep = self.now;
        let until = due.map_or(self.now, |due| due.max(self.now)).after(millis(self.rng.within(6_000, 300_000)));
        let span = until.since(self.now);
        let agenda = std::mem::take(&mut self.agenda);
        self.agenda = agenda.into_iter().map(|((at, order), it)| ((at.after(span), order), it)).collect();
        for process in self.processes.values_mut() {
            process.born = process.born.after(span);
            if let Beat::StoppedAt(at) = &mut process.beat {
                *at = at.after(span);
            }
        }
        for (_, since) in self.ordered.values_mut() {
            *since = since.after(span);
        }
        self.now = until;
        self.asleep = (fell_asleep, until.after(millis(self.rng.within(0, 900))));
        self.tally.count("sleep");
    }

    /// Ends the storm: generations that never booted do now, and nobody gets new ideas.
    pub fn clear_up(&mut self) {
        self.calm = true;
        self.bad.clear();
        self.outage = self.now;
        self.agenda.retain(|_, happening| match happening {
            Happening::Whim | Happening::Hangs(_) | Happening::WearsOut(_) | Happening::IsTold(_) => false,
            Happening::Dies(pid, _) => self.processes.get(pid).is_some_and(|process| process.dying),
            _ => true,
        });
        // Without a `boot_timeout` nobody would ever end a boot that hangs.
        let booting = |pid: &Pid| {
            let own =
                |it: &Happening| matches!(it, Happening::Boots(other) | Happening::BootFails(other, _) if other == pid);
            self.agenda.values().any(own)
        };
        let stuck = self.processes.iter().filter(|(pid, process)| !process.ready && !process.dying && !booting(pid));
        for pid in stuck.map(|(pid, _)| *pid).collect::<Vec<_>>() {
            self.soon(0, 90_000, Happening::Boots(pid));
        }
    }

    /// A worker that has been standing still for longer than it may, and nobody has noticed.
    pub fn overlooked(&self) -> Result<(), String> {
        let late = |process: &Process| match process.beat {
            Beat::StoppedAt(at) => {
                let limit = process.timeout + Duration::from_secs(5);
                !process.timeout.is_zero() && process.ready && self.now.since(at.max(process.born)) > limit
            }
            Beat::Steady => false,
        };
        match self.processes.iter().find(|(_, process)| late(process)) {
            Some((pid, process)) => Err(format!("{pid} may stand still for {:?} and does for longer", process.timeout)),
            None => Ok(()),
        }
    }

    fn soon(&mut self, from: u64, to: u64, happening: Happening) {
        // To the microsecond, so that some things fall together and most do not.
        let micros = self.rng.within(from * 1_000, to * 1_000);
        self.at(self.now.after(Duration::from_micros(micros)), happening);
    }

    fn at(&mut self, at: Mono, happening: Happening) {
        self.entries_made += 1;
        self.agenda.insert((at, self.entries_made), happening);
    }

    /// Trouble only befalls a world that is not calm.
    fn odds(&mut self, odds: u64) -> bool {
        // Most first starts succeed, or there would be no storms.
        let odds = if self.ever_ready { odds } else { odds / 10 };
        !self.calm && self.rng.permille(odds)
    }

    fn fork(&mut self, slot: SlotId, generation: Generation, born: Mono, stands_in: bool) -> Event {
        if self.odds(self.climate.no_fork) {
            self.tally.count("no fork");
            return Event::SpawnFailed { slot, reason: "Resource temporarily unavailable".into() };
        }
        self.last_pid += 1;
        let pid = Pid(self.last_pid);
        let deaf = self.odds(self.climate.deaf);
        let timeout = self.timeouts.get(&generation).copied().unwrap_or_default();
        let stands_in = Some(generation).filter(|_| stands_in);
        let process = Process { slot, timeout, born, beat: Beat::Steady, deaf, ready: false, dying: false, stands_in };
        self.processes.insert(pid, process);
        // A calm world boots within any `boot_timeout`.
        let boot = if self.calm { self.climate.boot.min(1_000) } else { self.climate.boot };
        let hopeless = self.bad.contains(&generation) || self.now < self.outage && self.ever_ready;
        if hopeless || self.odds(self.climate.boot_fails) {
            let code = self.rng.pick(&[exit::WORKER_BOOT, exit::APP_LOAD, -1]);
            self.soon(0, boot, Happening::BootFails(pid, code));
        } else if !self.odds(self.climate.boot_hangs) {
            self.soon(0, boot, Happening::Boots(pid));
        }
        Event::Started { slot, pid }
    }

    fn load(&mut self, generation: Generation) -> Event {
        if self.odds(self.climate.refused) {
            self.tally.count("refused");
            return Event::LoadRefused { generation, reason: "line 3: no such key".into() };
        }
        if self.odds(self.climate.bad_generation) {
            self.bad.insert(generation);
        }
        let terms = terms(&mut self.rng, self.climate.capacity);
        self.timeouts.insert(generation, terms.timeout);
        let shorter = |a: Duration, b: Duration| if a.is_zero() || !b.is_zero() && b < a { b } else { a };
        self.shortest.timeout = shorter(self.shortest.timeout, terms.timeout);
        self.shortest.boot_timeout = shorter(self.shortest.boot_timeout, terms.boot_timeout);
        Event::Loaded { generation, terms }
    }

    fn start_upgrade(&mut self) -> Event {
        if self.odds(self.climate.mishap) {
            return Event::UpgradeFailed { reason: "cannot execute: no such file".into() };
        }
        self.last_pid += 1;
        let pid = Pid(self.last_pid);
        self.upgrade = Some(pid);
        self.soon(0, 1_000, Happening::UpgradeServes(pid));
        if self.odds(self.climate.mishap) {
            self.soon(0, 5_000, Happening::UpgradeDies(pid));
        }
        Event::UpgradeStarted { pid }
    }

    fn signal(&mut self, pid: Pid, signal: Signal) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let status = ExitStatus::Signal { signal, core_dumped: signal == Signal::ABRT };
        let stands_still = process.beat != Beat::Steady;
        match signal {
            Signal::KILL => return self.dies_within(pid, 5, status),
            Signal::ABRT if !process.deaf => return self.dies_within(pid, 500, status),
            Signal::TERM | Signal::QUIT if process.deaf || stands_still => return,
            Signal::TERM | Signal::QUIT => {}
            _ => return,
        }
        let (ready, drain) = (process.ready, if self.calm { 200 } else { self.climate.drain });
        // A boot may be over before the signal arrives; who boots knows no grace.
        match (ready, signal) {
            (true, signal) => {
                self.soon(0, 2, Happening::SaysLeaving(pid));
                self.dies_within(pid, if signal == Signal::TERM { drain } else { 100 }, ExitStatus::Code(0));
            }
            (false, _) => self.dies_within(pid, 20, status),
        }
    }

    fn dies_within(&mut self, pid: Pid, most: u64, status: ExitStatus) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.dying = true;
        }
        self.soon(0, most, Happening::Dies(pid, status));
    }

    fn any_status(&mut self) -> ExitStatus {
        match self.rng.within(0, 3) {
            0 => ExitStatus::Code(0),
            1 => ExitStatus::Code(i32::try_from(self.rng.within(1, 4)).expect("small")),
            _ => ExitStatus::Signal { signal: Signal(self.rng.pick(&[6, 9, 11, 15])), core_dumped: false },
        }
    }

    fn heartbeat(&mut self, slot: SlotId) -> Mono {
        let timeout = self.shortest.timeout.as_millis();
        let age = self.rng.within(0, u64::try_from(timeout).expect("short") / 4);
        let Some(process) = self.processes.values().find(|process| process.slot == slot) else { return Mono(0) };
        let newest = match process.beat {
            Beat::StoppedAt(at) => at,
            Beat::Steady if self.now < self.asleep.1 => self.asleep.0,
            Beat::Steady => Mono(self.now.0.saturating_sub(age * 1_000_000)),
        };
        newest.max(Mono(process.born.0.min(self.now.0)))
    }

    /// Nobody is examined who has done nothing wrong.
    fn judge(&mut self, pid: Pid, symptom: Symptom) -> Result<(), String> {
        let process = self.processes.get(&pid).ok_or("an autopsy of nobody")?;
        let age = self.now.since(process.born);
        let limits = &self.shortest;
        let fair = match (symptom, process.beat) {
            (Symptom::Hung(_), Beat::Steady) => false,
            (Symptom::Hung(_), Beat::StoppedAt(at)) => self.now.since(at) >= limits.timeout,
            (Symptom::BootTimeout(_), _) => !process.ready && age >= limits.boot_timeout,
            (Symptom::DrainOverdue(_), _) => true,
        };
        self.tally.count(match symptom {
            Symptom::Hung(_) => "found hung",
            Symptom::BootTimeout(_) => "boot timeout",
            Symptom::DrainOverdue(_) => "drain overdue",
        });
        if fair { Ok(()) } else { Err(format!("{pid} is said to have {symptom:?}, which it has not")) }
    }
}

pub fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}
