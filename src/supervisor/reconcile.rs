//! From what is to what is wanted: after every event the machine claims seats, starts what may be started, retires what
//! is too much, and notices when a reload is complete.

use super::action::{Action, Phase};
use super::event::Terms;
use super::machine::{Machine, log};
use super::slot::{Birth, Limits, Ready, Slot, Starting, Step, Stopping};
use crate::types::{Generation, Level, Mono, Signal, SlotId};
use std::time::Duration;

/// A newcomer that is not wanted any more may have no ear for TERM yet.
const NEWCOMER_PATIENCE: Duration = Duration::from_secs(1);

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
        self.settle(out);
        self.announce_serving(false, out);
    }

    /// Most processes that may be alive when one more is spawned, unless the service is short-handed.
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

    /// Within the cap, or because fewer serve or boot than shall serve: workers that take their time to leave must not
    /// keep a service from having any.
    pub(super) fn may_spawn(&self) -> bool {
        self.stop.is_none() && (self.alive() < self.cap() || self.is_short_handed())
    }

    /// Whether fewer workers serve or boot than the generation that serves shall have.
    #[must_use]
    pub fn is_short_handed(&self) -> bool {
        let counts = |slot: &Slot| matches!(slot, Slot::Starting(_) | Slot::Ready(_));
        let there = self.seats.iter().filter(|seat| counts(&seat.slot)).count();
        there < usize::from(self.wanted_before().unwrap_or(self.wanted))
    }

    pub(super) fn ready_count(&self, which: impl Fn(&Ready) -> bool) -> usize {
        self.seats.iter().filter(|seat| matches!(&seat.slot, Slot::Ready(ready) if which(ready))).count()
    }

    fn newcomers(&self, which: impl Fn(Generation) -> bool) -> usize {
        let counts = |slot: &Slot| match slot {
            Slot::Starting(starting) => which(starting.birth.generation),
            Slot::Waiting { generation, .. } | Slot::Broken { generation, .. } => which(*generation),
            // Its death will be answered in its own seat, with that seat's patience.
            Slot::Stopping(stopping) if stopping.boot_timed_out() => which(stopping.birth.generation),
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

    /// Workers of the generations before the target that serve or are on their way.
    fn claimed_before(&self) -> usize {
        let target = self.target;
        let serving = self.ready_count(|ready| ready.birth.generation != target);
        serving + self.newcomers(|generation| generation != target)
    }

    /// How many workers the generation before an unproven target is kept at.
    fn wanted_before(&self) -> Option<u16> {
        self.base.as_ref().filter(|_| !self.proven).map(|base| base.wanted)
    }

    /// Every worker that is missing gets a seat to be started in. While the target is unproven, the generation before
    /// it is kept whole too.
    pub(super) fn claim_seats(&mut self, now: Mono) {
        let target = self.target;
        if let Some(base) = self.base.as_ref().filter(|_| !self.proven) {
            let (generation, wanted) = (base.generation, usize::from(base.wanted));
            let missing = wanted.saturating_sub(self.claimed_before());
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

    /// After TTOU, or when a crashed worker's successor was already on its way. A worn worker's successor is not needed
    /// either once a reload replaces them all: it would keep the reload's newcomers from their place.
    fn drop_surplus_newcomers(&mut self, now: Mono, out: &mut Vec<Action>) {
        let target = self.target;
        let surplus = self.claimed().saturating_sub(usize::from(self.wanted));
        self.drop_newcomers(surplus, |generation| generation == target, now, out);
        if let Some(wanted) = self.wanted_before() {
            let surplus = self.claimed_before().saturating_sub(usize::from(wanted));
            self.drop_newcomers(surplus, |generation| generation != target, now, out);
        }
    }

    /// What is given up or waits goes first, then the youngest that boots.
    fn drop_newcomers(&mut self, count: usize, which: impl Fn(Generation) -> bool, now: Mono, out: &mut Vec<Action>) {
        for _ in 0..count {
            let rank = |slot: &Slot| match slot {
                Slot::Broken { generation, .. } if which(*generation) => Some((2, Mono::default())),
                Slot::Waiting { until, generation } if which(*generation) => Some((1, *until)),
                Slot::Starting(Starting { birth, .. }) if which(birth.generation) => Some((0, birth.since)),
                _ => None,
            };
            let ranked = self.occupied().filter_map(|(slot, seat)| Some((rank(&seat.slot)?, slot)));
            let Some((_, slot)) = ranked.max() else { return };
            self.dismiss(slot, now, out);
        }
    }

    /// Gives up a claim, or sends a newcomer away.
    pub(super) fn dismiss(&mut self, slot: SlotId, now: Mono, out: &mut Vec<Action>) {
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        match &seat.slot {
            Slot::Starting(Starting { birth, .. }) => {
                let birth = *birth;
                out.push(birth.dismissal(slot, Signal::TERM));
                let step = Step::Hurried { kill: now.after(NEWCOMER_PATIENCE), quick: false };
                seat.slot = Slot::Stopping(Stopping { birth, booting: true, step });
            }
            Slot::Waiting { .. } | Slot::Broken { .. } => seat.slot = Slot::Empty,
            Slot::Empty | Slot::Ready(_) | Slot::Stopping(_) => {}
        }
    }

    /// What holds for workers of this generation.
    fn terms_of(&self, generation: Generation) -> &Terms {
        match &self.base {
            Some(base) if base.generation == generation => &base.terms,
            _ => &self.terms,
        }
    }

    fn spawn_due(&mut self, now: Mono, out: &mut Vec<Action>) {
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
                let limits = Limits::of(self.terms_of(generation));
                let birth = Birth { pid: None, generation, since: now, limits };
                let deadline = limits.booted_by(now);
                self.seats[index].slot = Slot::Starting(Starting { birth, deadline, failure: None });
                let slot = SlotId(u16::try_from(index).unwrap_or(u16::MAX));
                out.push(Action::Spawn { slot, generation });
            }
        }
    }

    /// Retires workers as long as more are ready than wanted: other generations first, then those that asked for it,
    /// then the oldest. Nobody is retired for a generation that has not shown that it can serve; only what is more than
    /// both generations want goes, as it would keep the newcomers from their place.
    fn retire_surplus(&mut self, now: Mono, out: &mut Vec<Action>) {
        let target = self.target;
        let wanted = self.wanted.max(self.wanted_before().unwrap_or(0));
        while self.ready_count(|_| true) > usize::from(wanted) {
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
        let Some(seat) = self.seats.get_mut(slot.index()) else { return };
        let (birth, booting) = match &seat.slot {
            Slot::Starting(Starting { birth, .. }) => (*birth, true),
            Slot::Ready(Ready { birth, .. }) => (*birth, false),
            _ => return,
        };
        out.push(birth.dismissal(slot, Signal::TERM));
        let span = birth.limits.graceful_timeout;
        seat.slot = Slot::Stopping(Stopping { birth, booting, step: Step::asked(now, span, false) });
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
            Some(_) => self.base.is_none() && !self.loading && ready + broken >= self.wanted,
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
