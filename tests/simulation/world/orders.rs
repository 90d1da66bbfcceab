//! Workers that are not forked at once: somebody else has the application, and was asked to.

use super::{Happening, Process, World};
use rustcorn::supervisor::Event;
use rustcorn::types::{Generation, Pid, SlotId};

impl World {
    /// None: the answer comes later.
    pub(super) fn spawn(&mut self, slot: SlotId, generation: Generation) -> Option<Event> {
        if !self.rng.permille(self.climate.late_fork) {
            return Some(self.fork(slot, generation, self.now, false));
        }
        if self.rng.permille(300) {
            return Some(self.fork(slot, generation, self.now, true));
        }
        self.order(slot, generation, self.now);
        None
    }

    fn order(&mut self, slot: SlotId, generation: Generation, since: rustcorn::types::Mono) {
        self.ordered.insert(slot, (generation, since));
        self.soon(0, if self.calm { 400 } else { 5_000 }, Happening::Forks(slot));
    }

    /// The answer to an order that has not been withdrawn.
    pub(super) fn forks(&mut self, slot: SlotId) -> Vec<Event> {
        let Some((generation, since)) = self.ordered.remove(&slot) else { return vec![] };
        self.unborn.retain(|_, seat| *seat != slot);
        self.tally.count("late start");
        vec![self.fork(slot, generation, since, false)]
    }

    /// None: there is no such order, or it is answered already.
    pub(super) fn withdraw(&mut self, slot: SlotId) -> Option<Event> {
        let (generation, since) = self.ordered.remove(&slot)?;
        self.unborn.retain(|_, seat| *seat != slot);
        self.tally.count("withdrawn");
        // The worker may be there by now.
        if self.rng.permille(300) {
            return Some(self.fork(slot, generation, since, false));
        }
        Some(Event::SpawnFailed { slot, reason: "it is not wanted any more".into() })
    }

    /// Whether this process was only to load the application: then the worker is forked from it.
    pub(super) fn has_loaded(&mut self, pid: Pid) -> bool {
        let Some(Process { slot, born, stands_in: Some(generation), .. }) = self.processes.get(&pid) else {
            return false;
        };
        let (slot, born, generation) = (*slot, *born, *generation);
        self.processes.remove(&pid);
        self.unborn.insert(pid, slot);
        self.order(slot, generation, born);
        true
    }
}
