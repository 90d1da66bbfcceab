//! The stage of the table tests: a machine, a clock that stands still until it is told to move, and a shell so obedient
//! that every answer comes at once. What a test asserts on is what the machine wanted during the last step.

mod wanted;

use rustcorn::supervisor::{Action, Event, Intent, Machine, SlotState, Terms};
use rustcorn::types::{ExitStatus, Generation, Mono, Pid, Signal, SlotId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Seats on the scoreboard; more than any test needs unless it says so.
const CAPACITY: u16 = 16;

/// Deadlines that may follow each other without the clock moving; more is a busy loop.
const PATIENCE: usize = 50;

/// A worker process as the shell sees it.
struct Worker {
    slot: SlotId,
    generation: Generation,
    told_ready: bool,
    /// It got a TERM.
    asked: bool,
    /// Its heartbeat stands still since then; a healthy worker has always just beaten.
    hung_since: Option<Mono>,
}

/// One machine on its stage.
pub struct Scene {
    pub machine: Machine,
    pub now: Mono,
    /// Whether fork fails.
    pub no_fork: bool,
    /// Whether forks are left to somebody who answers later, by [`Scene::forks`].
    pub late_fork: bool,
    step: Vec<Action>,
    workers: BTreeMap<Pid, Worker>,
    ordered: BTreeMap<SlotId, Generation>,
    last_pid: i32,
    deadlines: usize,
}

/// What most tests start from: `workers` with one beyond them during a replacement.
pub fn terms(workers: u16) -> Terms {
    Terms {
        workers,
        surge: 1,
        timeout: secs(30),
        graceful_timeout: secs(30),
        boot_timeout: secs(60),
        reload_delay: millis(250),
        build_on_change: false,
    }
}

pub fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub fn killed(signal: Signal) -> ExitStatus {
    ExitStatus::Signal { signal, core_dumped: false }
}

impl Scene {
    /// Begun, nobody ready yet.
    pub fn start(terms: Terms) -> Self {
        Self::with_capacity(terms, CAPACITY)
    }

    /// The same of an upgrade.
    pub fn beside_another(terms: Terms) -> Self {
        Self::with(Machine::new(terms, Generation::FIRST, CAPACITY).beside_another())
    }

    pub fn with_capacity(terms: Terms, capacity: u16) -> Self {
        Self::with(Machine::new(terms, Generation::FIRST, capacity))
    }

    fn with(machine: Machine) -> Self {
        let mut scene = Self {
            machine,
            now: Mono(1_000_000_000),
            no_fork: false,
            late_fork: false,
            ordered: BTreeMap::new(),
            step: Vec::new(),
            workers: BTreeMap::new(),
            last_pid: 100,
            deadlines: 0,
        };
        let mut wishes = Vec::new();
        scene.machine.begin(scene.now, &mut wishes);
        scene.settle(wishes);
        scene
    }

    /// Begun, everybody ready, and older than the age at which a death counts as early.
    pub fn serving(terms: Terms) -> Self {
        let mut scene = Self::start(terms);
        scene.all_ready();
        scene.pass(secs(2));
        scene
    }

    /// One step: the event, everything that answers to it, and nothing else.
    pub fn tell(&mut self, event: Event) -> &mut Self {
        self.step.clear();
        self.handle(event);
        self
    }

    pub fn intent(&mut self, intent: Intent) -> &mut Self {
        self.tell(Event::Intent(intent))
    }

    pub fn ready(&mut self, pid: Pid) -> &mut Self {
        if let Some(worker) = self.workers.get_mut(&pid) {
            worker.told_ready = true;
        }
        self.tell(Event::Ready { pid })
    }

    /// Every worker that boots is ready, the eldest first, and so are those that this makes the machine start.
    pub fn all_ready(&mut self) -> &mut Self {
        let mut whole = Vec::new();
        while let Some(pid) = self.booting().first().copied() {
            self.ready(pid);
            whole.append(&mut self.step);
        }
        self.step = whole;
        self
    }

    pub fn boot_failed(&mut self, pid: Pid, code: i32, reason: &str) -> &mut Self {
        self.tell(Event::BootFailed { pid, code, reason: reason.into() })
    }

    pub fn dies(&mut self, pid: Pid, status: ExitStatus) -> &mut Self {
        self.workers.remove(&pid);
        self.tell(Event::Exited { pid, status })
    }

    pub fn crashes(&mut self, pid: Pid) -> &mut Self {
        self.dies(pid, killed(Signal(11)))
    }

    pub fn leaves(&mut self, pid: Pid) -> &mut Self {
        self.dies(pid, ExitStatus::Code(0))
    }

    /// Lets `pid` stand still from now on.
    pub fn hangs(&mut self, pid: Pid) {
        let now = self.now;
        if let Some(worker) = self.workers.get_mut(&pid) {
            worker.hung_since = Some(now);
        }
    }

    pub fn beats_again(&mut self, pid: Pid) {
        if let Some(worker) = self.workers.get_mut(&pid) {
            worker.hung_since = None;
        }
    }

    /// Asks for a reload and answers with these terms; the generation that it makes.
    pub fn reload(&mut self, terms: Terms) -> Generation {
        self.intent(Intent::Reload);
        let generation = self.load_wanted().expect("a reload asks for a load");
        let mut before = std::mem::take(&mut self.step);
        self.handle(Event::Loaded { generation, terms });
        before.append(&mut self.step);
        self.step = before;
        generation
    }

    /// Newcomers become ready and retired workers leave until nothing more happens.
    pub fn roll(&mut self) -> &mut Self {
        let mut whole = std::mem::take(&mut self.step);
        for turn in 0.. {
            assert!(turn < 10 * PATIENCE, "it rolls for ever: {:?}", self.step);
            let first = |which: fn(&Worker) -> bool| self.workers.iter().find(|(_, worker)| which(worker));
            if let Some((&pid, _)) = first(|worker| !worker.told_ready && !worker.asked) {
                self.ready(pid);
            } else if let Some((&pid, _)) = first(|worker| worker.asked) {
                self.leaves(pid);
            } else {
                break;
            }
            whole.append(&mut self.step);
        }
        self.step = whole;
        self
    }

    /// The clock moves; deadlines on the way are met to the nanosecond.
    pub fn pass(&mut self, span: Duration) -> &mut Self {
        self.step.clear();
        let end = self.now.after(span);
        let mut standstill = 0;
        while let Some(due) = self.machine.next_deadline().filter(|due| *due <= end) {
            standstill = if due > self.now { 0 } else { standstill + 1 };
            assert!(standstill < PATIENCE, "busy loop: the deadline {due:?} is never settled at {:?}", self.now);
            self.now = self.now.max(due);
            self.deadlines += 1;
            self.handle(Event::Deadline);
        }
        self.now = end;
        self
    }

    /// The arbiter sleeps for this long without seeing its deadlines, and wakes up for one.
    pub fn oversleep(&mut self, span: Duration) -> &mut Self {
        self.now = self.now.after(span);
        self.tell(Event::Deadline)
    }

    fn handle(&mut self, event: Event) {
        let mut wishes = Vec::new();
        self.machine.handle(self.now, event, &mut wishes);
        self.settle(wishes);
    }

    fn settle(&mut self, mut wishes: Vec<Action>) {
        loop {
            let answers: Vec<Event> = wishes.iter().filter_map(|action| self.perform(action)).collect();
            self.step.append(&mut wishes);
            self.machine.check_invariants().unwrap_or_else(|broken| panic!("{broken}, after {:?}", self.step));
            if answers.is_empty() {
                return;
            }
            for answer in answers {
                self.machine.handle(self.now, answer, &mut wishes);
            }
        }
    }

    fn perform(&mut self, action: &Action) -> Option<Event> {
        match *action {
            Action::Spawn { slot, .. } if self.no_fork => {
                Some(Event::SpawnFailed { slot, reason: "Resource temporarily unavailable".into() })
            }
            Action::Spawn { slot, generation } if self.late_fork => {
                self.ordered.insert(slot, generation);
                None
            }
            Action::Spawn { slot, generation } => Some(self.fork(slot, generation)),
            Action::Signal { pid, signal: Signal::TERM } => {
                self.workers.get_mut(&pid).expect("a signal to a process that exists").asked = true;
                None
            }
            Action::ReadHeartbeat { slot } => {
                let worker = self.workers.values().find(|worker| worker.slot == slot);
                let at = worker.and_then(|worker| worker.hung_since).unwrap_or(self.now);
                Some(Event::Heartbeat { slot, at })
            }
            _ => None,
        }
    }

    fn fork(&mut self, slot: SlotId, generation: Generation) -> Event {
        self.last_pid += 1;
        let pid = Pid(self.last_pid);
        self.workers.insert(pid, Worker { slot, generation, told_ready: false, asked: false, hung_since: None });
        Event::Started { slot, pid }
    }

    /// The late answer of whoever was to fork the worker for this seat; its process.
    pub fn forks(&mut self, slot: SlotId) -> Pid {
        let generation = self.ordered.remove(&slot).expect("a worker is to be forked there");
        let event = self.fork(slot, generation);
        self.tell(event);
        Pid(self.last_pid)
    }

    // What there is.

    /// The seats whose workers are still to be forked.
    pub fn ordered(&self) -> Vec<SlotId> {
        self.ordered.keys().copied().collect()
    }

    /// All processes, the eldest first.
    pub fn alive(&self) -> Vec<Pid> {
        self.workers.keys().copied().collect()
    }

    /// Processes that have not said that they are ready, the eldest first.
    pub fn booting(&self) -> Vec<Pid> {
        self.workers.iter().filter(|(_, worker)| !worker.told_ready).map(|(pid, _)| *pid).collect()
    }

    /// Processes of one generation, the eldest first.
    pub fn of(&self, generation: Generation) -> Vec<Pid> {
        self.workers.iter().filter(|(_, worker)| worker.generation == generation).map(|(pid, _)| *pid).collect()
    }

    pub fn slot_of(&self, pid: Pid) -> SlotId {
        self.workers[&pid].slot
    }

    /// How many slots are in this state.
    pub fn count(&self, state: SlotState) -> usize {
        self.machine.slots().iter().filter(|view| view.state == state).count()
    }

    /// How many deadlines the machine has had so far.
    pub fn deadlines(&self) -> usize {
        self.deadlines
    }
}
