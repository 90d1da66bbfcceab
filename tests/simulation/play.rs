//! One seed, from the first spawn through a storm to the calm after it.

use crate::climate::{self, Climate};
use crate::rng::Rng;
use crate::shadow::Shadow;
use crate::tally::Tally;
use crate::world::{World, millis};
use rustcorn::supervisor::{Action, Event, Machine, Phase};
use rustcorn::types::{Generation, Mono};
use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

/// How long the calm world may take to be as it is wanted: a broken slot rests for a minute, boots and drains have
/// their limits, and with the smallest surge the workers are replaced one after the other.
const RECOVERY: Duration = Duration::from_secs(600);
/// How long it then must stay so.
const REST: Duration = Duration::from_secs(90);
/// An arbiter that was asked to stop is gone by then, whatever its workers do.
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// The last lines of what happened, for the seed that failed.
#[derive(Default)]
pub struct Trace {
    on: bool,
    text: String,
}

impl Trace {
    pub fn on() -> Self {
        Self { on: true, text: String::new() }
    }

    fn line(&mut self, now: Mono, line: std::fmt::Arguments<'_>) {
        if self.on {
            let _ = writeln!(self.text, "{:>12.6}  {line}", now.since(Mono(0)).as_secs_f64());
        }
    }

    pub fn last(&self, lines: usize) -> String {
        let all: Vec<&str> = self.text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

struct Play<'a> {
    machine: Machine,
    world: World,
    shadow: Shadow,
    trace: &'a mut Trace,
    /// Deadlines met.
    wakeups: u64,
    /// The last thing done other than looking at heartbeats.
    stirred: Option<Action>,
    stop_began: Option<Mono>,
}

/// Plays one seed; the first rule that was broken, if one was.
pub fn play(seed: u64, trace: &mut Trace) -> Result<Tally, String> {
    let mut rng = Rng::new(seed);
    let climate = Climate::new(&mut rng);
    let terms = climate::terms(&mut rng, climate.capacity);
    let (capacity, storm) = (climate.capacity, millis(climate.storm));
    let machine = Machine::new(terms.clone(), Generation::FIRST, capacity);
    let world = World::new(rng, climate, &terms);
    let mut play = Play {
        machine: if world.is_upgrade { machine.beside_another() } else { machine },
        shadow: Shadow::new(terms.clone(), capacity, world.is_upgrade),
        world,
        trace,
        wakeups: 0,
        stirred: None,
        stop_began: None,
    };
    play.begin()?;
    play.weather(storm)?;
    play.recover()?;
    Ok(play.world.tally)
}

impl Play<'_> {
    fn begin(&mut self) -> Result<(), String> {
        let mut actions = Vec::new();
        self.machine.begin(self.world.now, &mut actions);
        self.settle(None, actions)
    }

    fn weather(&mut self, storm: Duration) -> Result<(), String> {
        let end = self.world.now.after(storm);
        while self.world.now < end && !self.shadow.is_over() {
            if self.world.rng.permille(self.world.climate.sleeps / 10) {
                let asleep_since = self.world.now;
                self.world.sleep(self.machine.next_deadline());
                self.stop_began = self.stop_began.map(|began| began.after(self.world.now.since(asleep_since)));
                self.trace.line(self.world.now, format_args!("woke up after a sleep"));
                // Whatever wakes the arbiter may be heard before the clock is.
                if self.world.rng.permille(500) {
                    let whim = rustcorn::supervisor::Intent::ReopenLogs;
                    self.tell(Event::Intent(whim))?;
                }
                self.meet_deadlines()?;
            }
            self.turn(end)?;
        }
        Ok(())
    }

    /// The calm: everything comes to rest in time, and then nothing stirs any more.
    fn recover(&mut self) -> Result<(), String> {
        self.world.clear_up();
        self.trace.line(self.world.now, format_args!("calm"));
        let end = self.world.now.after(RECOVERY);
        while !self.shadow.is_over() && self.world.now < end && self.missing().is_err() {
            self.turn(end)?;
        }
        if self.shadow.is_over() {
            self.world.tally.count("exit");
            return Ok(());
        }
        self.missing().map_err(|missing| format!("no rest {RECOVERY:?} after the storm: {missing}"))?;
        self.world.tally.count("rest");
        self.rest()
    }

    fn missing(&self) -> Result<(), String> {
        self.shadow.at_rest(&self.machine)
    }

    fn rest(&mut self) -> Result<(), String> {
        // Who hangs since the storm looks ready until he is found out; then nothing more can come to light.
        self.turns(self.world.now.after(Duration::from_secs(40)))?;
        (self.stirred, self.wakeups) = (None, 0);
        self.turns(self.world.now.after(REST))?;
        self.missing().map_err(|missing| format!("the rest did not last: {missing}"))?;
        self.world.overlooked()?;
        if let Some(action) = &self.stirred {
            return Err(format!("at rest nothing is to be done but to look at heartbeats, yet {action:?}"));
        }
        // Heartbeats are at most a quarter of the shortest timeout old, so each is looked at that often at most.
        let most = 4 + u64::from(self.machine.wanted()) * REST.as_secs() * 2 / 3;
        if self.wakeups > most {
            return Err(format!("woke up {} times in {REST:?} at rest", self.wakeups));
        }
        Ok(())
    }

    fn turns(&mut self, end: Mono) -> Result<(), String> {
        while self.world.now < end && !self.shadow.is_over() {
            self.turn(end)?;
        }
        Ok(())
    }

    /// Waits for the next thing to happen, like the arbiter's loop does.
    fn turn(&mut self, end: Mono) -> Result<(), String> {
        let late = millis(self.world.rng.pick(&[0, 0, 1, 3]));
        let deadline = self.machine.next_deadline().map(|deadline| deadline.after(late));
        let next = deadline.into_iter().chain(self.world.next()).min().unwrap_or(end).min(end);
        self.world.now = self.world.now.max(next);
        for event in self.world.happen() {
            if self.shadow.is_over() {
                return Ok(());
            }
            self.tell(event)?;
        }
        self.meet_deadlines()?;
        match self.stop_began {
            Some(began) if self.world.now.since(began) > LONGEST_STOP && !self.shadow.is_over() => {
                Err(format!("still there {LONGEST_STOP:?} after the stop began"))
            }
            _ => Ok(()),
        }
    }

    fn meet_deadlines(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            let due = self.machine.next_deadline().is_some_and(|deadline| deadline <= self.world.now);
            if !due || self.shadow.is_over() {
                return Ok(());
            }
            self.wakeups += 1;
            self.tell(Event::Deadline)?;
        }
        Err(format!("busy loop: the deadline {:?} stays due", self.machine.next_deadline()))
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        let mut actions = Vec::new();
        self.trace.line(self.world.now, format_args!("{event:?}"));
        self.machine.handle(self.world.now, event.clone(), &mut actions);
        self.settle(Some(event), actions)
    }

    /// Performs actions and hears their answers until there are none, as the arbiter does.
    fn settle(&mut self, mut event: Option<Event>, mut actions: Vec<Action>) -> Result<(), String> {
        let mut answers = VecDeque::new();
        loop {
            for action in &actions {
                self.trace.line(self.world.now, format_args!("    -> {action:?}"));
            }
            self.shadow.observe(event.as_ref(), &actions, &self.machine)?;
            self.machine.check_invariants()?;
            for action in &actions {
                self.remember(action);
                answers.extend(self.world.perform(action)?);
            }
            actions.clear();
            let Some(answer) = answers.pop_front() else { return Ok(()) };
            self.trace.line(self.world.now, format_args!("  {answer:?}"));
            self.machine.handle(self.world.now, answer.clone(), &mut actions);
            event = Some(answer);
        }
    }

    fn remember(&mut self, action: &Action) {
        if !matches!(action, Action::ReadHeartbeat { .. }) {
            self.stirred = Some(action.clone());
        }
        let seen = match action {
            Action::Announce(Phase::Stopping) => {
                self.stop_began = Some(self.world.now);
                "stop"
            }
            Action::Announce(Phase::Serving { broken: 1.., .. }) => "broken",
            Action::Announce(Phase::Upgraded { .. }) => "upgraded",
            Action::Log(_, line) if line.contains("Reload done") => "reloaded",
            Action::Log(_, line) if line.contains("abandoned") => "abandoned",
            Action::StartBuild => "build",
            Action::Exit(3 | 4) => "no start",
            Action::Spawn { .. } => "spawn",
            _ => return,
        };
        self.world.tally.count(seen);
    }
}
