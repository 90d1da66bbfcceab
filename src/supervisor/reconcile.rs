//! From what is to what is wanted: after every event the machine claims seats, starts what may be started, retires what
//! is too much, and notices when a reload is complete.

use super::action::{Action, Phase};
use super::machine::{Machine, log};
use super::slot::{Birth, Ready, Slot, Starting, Step, Stopping};
use crate::types::{Generation, Level, Mono, Signal, SlotId};
use std::time::Duration;

/// A newcomer that is not wanted any more may have no ear for TERM yet.
const NEWCOMER_PATIENCE: Duration = Duration::from_secs(1);
/// What a worker's own cut at `graceful_timeout` may take.
pub const DRAIN_MARGIN: Duration = Duration::from_millis(500);

impl Machine {
    pub(super) fn reconcile(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.stop.is_some() {
            self.finish_stop(out);
            return;
        }
        self.claim_seats(now);
        self.drop_surplus_newcomers(now, out);
        self.spawn_due(now, out);
        self.retire_surplus(now, out);
        self.complete_reload(now, out);
        self.announce_serving(false, out);
    }

    /// Most processes that may be alive right now.
    #[must_use]
    pub fn cap(&self) -> usize {
        let (mut workers, mut surge) = (self.wanted, self.terms.surge);
        if let Some(base) = self.base.as_ref().filter(|_| !self.proven) {
            workers = workers.max(base.wanted);
            surge = surge.max(base.terms.surge);
        }
        usize::from(workers) + usize::from(surge.max(1))
    }

    pub(super) fn alive(&self) -> usize {
        self.seats.iter().filter(|seat| seat.slot.birth().is_some()).count()
    }

    pub(super) fn may_spawn(&self) -> bool {
        self.stop.is_none() && self.alive() < self.cap()
    }

    pub(super) fn ready_count(&self, which: impl Fn(&Ready) -> bool) -> usize {
        self.seats.iter().filter(|seat| matches!(&seat.slot, Slot::Ready(ready) if which(ready))).count()
    }

    fn newcomers(&self, which: impl Fn(Generation) -> bool) -> usize {
        let counts = |slot: &Slot| match slot {
            Slot::Starting(starting) => which(starting.birth.generation),
            Slot::Waiting { generation, .. } | Slot::Broken { generation, .. } => which(*generation),
            _ => false,
        };
        self.seats.iter().filter(|seat| counts(&seat.slot)).count()
    }

    /// Workers of the target that serve and will go on, or that are on their way.
    fn claimed(&self) -> usize {
        let target = self.target;
        let staying = self.ready_count(|ready| ready.birth.generation == target && !ready.recycle);
        staying + self.newcomers(|generation| generation == target)
    }

    /// Every worker that is missing gets a seat to be started in. While the target is unproven, the generation before
    /// it is kept whole too.
    fn claim_seats(&mut self, now: Mono) {
        let target = self.target;
        if let Some(base) = self.base.as_ref().filter(|_| !self.proven) {
            let (generation, wanted) = (base.generation, usize::from(base.wanted));
            let serving = self.ready_count(|ready| ready.birth.generation != target);
            let missing = wanted.saturating_sub(serving + self.newcomers(|generation| generation != target));
            self.claim(missing, generation, now);
        }
        let missing = usize::from(self.wanted).saturating_sub(self.claimed());
        self.claim(missing, target, now);
    }

    fn claim(&mut self, count: usize, generation: Generation, now: Mono) {
        let empty = self.seats.iter_mut().filter(|seat| seat.slot == Slot::Empty);
        for seat in empty.take(count) {
            seat.slot = Slot::Waiting { until: now, generation };
        }
    }

    /// After TTOU, or when a crashed worker's successor was already on its way: what is given up or waits goes first,
    /// then the youngest that boots.
    fn drop_surplus_newcomers(&mut self, now: Mono, out: &mut Vec<Action>) {
        let target = self.target;
        let mut surplus = self.claimed().saturating_sub(usize::from(self.wanted));
        while surplus > 0 {
            let rank = |slot: &Slot| match slot {
                Slot::Broken { generation, .. } if *generation == target => Some((2, Mono::default())),
                Slot::Waiting { until, generation } if *generation == target => Some((1, *until)),
                Slot::Starting(Starting { birth, .. }) if birth.generation == target => Some((0, birth.since)),
                _ => None,
            };
            let ranked = self.occupied().filter_map(|(slot, seat)| Some((rank(&seat.slot)?, slot)));
            let Some((_, slot)) = ranked.max() else { return };
            self.dismiss(slot, now, out);
            surplus -= 1;
        }
    }

    /// Gives up a claim, or sends a newcomer away.
    pub(super) fn dismiss(&mut self, slot: SlotId, now: Mono, out: &mut Vec<Action>) {
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        match &seat.slot {
            Slot::Starting(Starting { birth, .. }) => {
                let birth = *birth;
                out.extend(birth.pid.map(|pid| Action::Signal { pid, signal: Signal::TERM }));
                let step = Step::Hurried { kill: now.after(NEWCOMER_PATIENCE), quick: false };
                seat.slot = Slot::Stopping(Stopping { birth, booting: true, step });
            }
            Slot::Waiting { .. } | Slot::Broken { .. } => seat.slot = Slot::Empty,
            Slot::Empty | Slot::Ready(_) | Slot::Stopping(_) => {}
        }
    }

    fn spawn_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        let boot_timeout = self.terms.boot_timeout;
        let target = self.target;
        // The generation that serves is made whole before newcomers are tried.
        for target_turn in [false, true] {
            for index in 0..self.seats.len() {
                let generation = match self.seats[index].slot {
                    Slot::Waiting { until, generation } | Slot::Broken { until, generation } if until <= now => {
                        generation
                    }
                    _ => continue,
                };
                if (generation == target) != target_turn || !self.may_spawn() {
                    continue;
                }
                let birth = Birth { pid: None, generation, since: now };
                let deadline = (!boot_timeout.is_zero()).then(|| now.after(boot_timeout));
                self.seats[index].slot = Slot::Starting(Starting { birth, deadline, failure: None });
                let slot = SlotId(u16::try_from(index).unwrap_or(u16::MAX));
                out.push(Action::Spawn { slot, generation });
            }
        }
    }

    /// Retires workers as long as more are ready than wanted: other generations first, then those that asked for it,
    /// then the oldest. Nobody is retired for a generation that has not shown that it can serve.
    fn retire_surplus(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.base.is_some() && !self.proven {
            return;
        }
        let target = self.target;
        while self.ready_count(|_| true) > usize::from(self.wanted) {
            let oldest = self.occupied().filter_map(|(slot, seat)| match &seat.slot {
                Slot::Ready(ready) => {
                    let generation = ready.birth.generation;
                    Some((generation == target, generation, !ready.recycle, ready.since, slot))
                }
                _ => None,
            });
            let Some((.., slot)) = oldest.min() else { return };
            self.retire(slot, now, out);
        }
    }

    /// Asks a worker to finish what it holds and to leave.
    pub(super) fn retire(&mut self, slot: SlotId, now: Mono, out: &mut Vec<Action>) {
        let span = self.terms.graceful_timeout;
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        let (birth, booting) = match &seat.slot {
            Slot::Starting(Starting { birth, .. }) => (*birth, true),
            Slot::Ready(Ready { birth, .. }) => (*birth, false),
            _ => return,
        };
        out.extend(birth.pid.map(|pid| Action::Signal { pid, signal: Signal::TERM }));
        let step = Step::Asked { overdue: now.after(span + DRAIN_MARGIN), span };
        seat.slot = Slot::Stopping(Stopping { birth, booting, step });
    }

    /// Tells the world how things stand: at the end of the first start, then whenever something settled has changed,
    /// or, if `anyway`, in any case (a service manager that was told of a reload must be told of its end).
    pub(super) fn announce_serving(&mut self, anyway: bool, out: &mut Vec<Action>) {
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let ready = count(self.ready_count(|_| true));
        let broken = count(self.seats.iter().filter(|seat| matches!(seat.slot, Slot::Broken { .. })).count());
        let settled = match self.announced {
            // Complete, or at least as complete as first attempts can make it.
            None => self.proven && (ready >= self.wanted || !self.first_attempts_pending()),
            Some(_) => self.base.is_none() && ready + broken >= self.wanted,
        };
        if self.stop.is_some() || !(settled || anyway && self.announced.is_some()) {
            return;
        }
        let generation = self.proven().unwrap_or(self.target);
        let phase = Phase::Serving { generation, ready, wanted: self.wanted, broken, trouble: self.trouble.clone() };
        if self.announced.as_ref() != Some(&phase) || anyway {
            self.announced = Some(phase.clone());
            out.push(Action::Announce(phase));
        }
    }

    fn first_attempts_pending(&self) -> bool {
        let pending = |slot: &Slot| matches!(slot, Slot::Starting(_) | Slot::Waiting { .. });
        self.seats.iter().any(|seat| seat.untroubled() && pending(&seat.slot))
    }

    pub(super) fn more_workers(&mut self, out: &mut Vec<Action>) {
        let most = self.seats.len().saturating_sub(usize::from(self.terms.surge));
        if usize::from(self.wanted) >= most {
            log(out, Level::Warning, format!("TTIN ignored: {} workers are the most that fit", self.wanted));
            return;
        }
        self.set_wanted(self.wanted + 1, out);
    }

    pub(super) fn fewer_workers(&mut self, out: &mut Vec<Action>) {
        if self.wanted <= 1 {
            log(out, Level::Info, "TTOU ignored: the last worker stays");
            return;
        }
        self.set_wanted(self.wanted - 1, out);
    }

    fn set_wanted(&mut self, wanted: u16, out: &mut Vec<Action>) {
        if let Some(base) = &mut self.base {
            base.wanted = wanted;
        }
        log(out, Level::Info, format!("{wanted} workers wanted (before: {})", self.wanted));
        self.wanted = wanted;
    }
}
