//! Reload by generation: the newcomers first, and back to the old ones if the newcomers cannot boot.

use super::action::{Action, Phase};
use super::event::Terms;
use super::farewell::Hurry;
use super::machine::{Machine, log};
use super::slot::Slot;
use crate::types::{Generation, Level, Mono, SlotId};

/// The generation that serves while a newer one is brought up.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its name.
    pub generation: Generation,
    /// Its terms.
    pub terms: Terms,
    /// How many of it were wanted.
    pub wanted: u16,
    /// When the newer one was loaded.
    pub since: Mono,
}

impl Machine {
    pub(super) fn reload(&mut self, out: &mut Vec<Action>) {
        if self.stop.is_some() {
            return;
        }
        self.newest = self.newest.next();
        if self.announced.is_some() {
            out.push(Action::Announce(Phase::Reloading));
            // So that whatever comes of it is announced again.
            self.announced = Some(Phase::Reloading);
        }
        self.loading = true;
        self.settled = None;
        out.push(Action::Load { generation: self.newest });
    }

    pub(super) fn load_refused(&mut self, generation: Generation, reason: &str, out: &mut Vec<Action>) {
        if self.stop.is_some() || generation != self.newest {
            return;
        }
        self.loading = false;
        log(out, Level::Error, format!("Reload refused: {reason}; everything stays as it was"));
        self.trouble = Some(reason.to_owned());
        self.announce_serving(true, out);
    }

    pub(super) fn loaded(&mut self, now: Mono, generation: Generation, terms: Terms, out: &mut Vec<Action>) {
        if self.stop.is_some() || generation != self.newest {
            out.push(Action::Forget { generation });
            return;
        }
        self.loading = false;
        let (old, old_wanted) = (self.target, self.wanted);
        let old_terms = std::mem::replace(&mut self.terms, terms);
        if old_wanted != old_terms.workers {
            let text = format!("{old_wanted} workers were wanted by signal; now the settings count again");
            log(out, Level::Info, text);
        }
        if self.proven {
            // What came before it has had its day: from here on the fallback is the one that was just being rolled out.
            if let Some(base) = self.base.take() {
                out.push(Action::Forget { generation: base.generation });
            }
            self.base = Some(Base { generation: old, terms: old_terms, wanted: old_wanted, since: now });
        } else {
            out.push(Action::Forget { generation: old });
            if let Some(base) = &mut self.base {
                base.since = now;
            }
        }
        self.target = generation;
        self.wanted = self.terms.workers;
        // A worker on its way is of use only if it can be fallen back to.
        let base = self.base.as_ref().map(|base| base.generation);
        let superseded = |slot: &Slot| match slot {
            Slot::Starting(starting) => Some(starting.birth.generation) != base,
            Slot::Waiting { .. } | Slot::Broken { .. } => true,
            _ => false,
        };
        let gone: Vec<_> = self.occupied().filter(|(_, seat)| superseded(&seat.slot)).map(|(slot, _)| slot).collect();
        self.proven = false;
        self.hurry = Hurry::default();
        for seat in &mut self.seats {
            seat.forgive();
        }
        for slot in gone {
            self.dismiss(slot, now, out);
        }
    }

    /// A worker of the target is ready: it can serve. Attempts to start others end.
    pub(super) fn prove(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.proven {
            return;
        }
        self.proven = true;
        let target = self.target;
        let outdated = |slot: &Slot| match slot {
            Slot::Starting(starting) => starting.birth.generation != target,
            slot => slot.pending().is_some_and(|generation| generation != target),
        };
        let gone: Vec<_> = self.occupied().filter(|(_, seat)| outdated(&seat.slot)).map(|(slot, _)| slot).collect();
        for slot in gone {
            self.dismiss(slot, now, out);
        }
    }

    /// Every wanted worker is of the target, and none of another generation serves.
    pub(super) fn complete_reload(&mut self, now: Mono, out: &mut Vec<Action>) {
        let target = self.target;
        let ours = self.ready_count(|ready| ready.birth.generation == target);
        let others = self.ready_count(|ready| ready.birth.generation != target);
        if !self.proven || others > 0 || ours < usize::from(self.wanted) {
            return;
        }
        let Some(base) = self.base.take() else { return };
        out.push(Action::Forget { generation: base.generation });
        let took = now.since(base.since).as_secs_f64();
        log(out, Level::Info, format!("Reload done: {ours} workers of generation {target} serve, after {took:.3} s"));
        // A refusal that came after it has not been answered by it.
        if self.newest == target {
            self.trouble = None;
        }
        self.announce_serving(true, out);
    }

    /// After a reload, in whichever way it ended, or an upgrade: the target serves, and nobody else, and no other arbiter.
    /// As long as nobody serves, those who wait do so in the sockets of before; the next worker takes them.
    pub(super) fn settle(&mut self, out: &mut Vec<Action>) {
        if self.beside_another || self.upgrade.is_under_way() {
            return;
        }
        let generation = self.target;
        let ours = self.ready_count(|ready| ready.birth.generation == generation);
        let others = self.ready_count(|ready| ready.birth.generation != generation);
        let is_over = !self.loading && self.proven && self.base.is_none();
        if self.settled.is_none() && is_over && ours > 0 && others == 0 {
            self.settled = Some(generation);
            out.push(Action::Settle { generation });
        }
    }

    /// The target cannot boot: the generation before it goes on.
    pub(super) fn abandon_reload(&mut self, now: Mono, reason: &str, out: &mut Vec<Action>) {
        let failed = self.target;
        if !self.fall_back(now, out) {
            return;
        }
        let text = format!(
            "Reload abandoned: generation {failed} cannot boot: {reason}; generation {} goes on serving",
            self.target
        );
        log(out, Level::Error, text);
        self.trouble = Some(reason.to_owned());
        self.announce_serving(true, out);
    }

    /// Back to the generation before the target; its newcomers leave. Whether there is one.
    pub(super) fn fall_back(&mut self, now: Mono, out: &mut Vec<Action>) -> bool {
        let Some(base) = self.base.take() else { return false };
        let failed = std::mem::replace(&mut self.target, base.generation);
        self.terms = base.terms;
        self.wanted = base.wanted;
        self.proven = true;
        let newcomer = |slot: &Slot| match slot {
            Slot::Starting(starting) => starting.birth.generation == failed,
            slot => slot.pending() == Some(failed),
        };
        let gone: Vec<SlotId> =
            self.occupied().filter(|(_, seat)| newcomer(&seat.slot)).map(|(slot, _)| slot).collect();
        for slot in gone {
            self.dismiss(slot, now, out);
        }
        out.push(Action::Forget { generation: failed });
        true
    }
}
