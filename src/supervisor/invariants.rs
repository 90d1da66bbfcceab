//! What must hold after every event. The simulation asks after each; a violation is a bug in the machine.

use super::machine::Machine;
use super::slot::Slot;

impl Machine {
    /// Checks the machine against its own rules.
    ///
    /// # Errors
    /// The first rule that does not hold, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut pids = Vec::new();
        let base = self.base.as_ref().map(|base| base.generation);
        for (slot, seat) in self.occupied() {
            let pid = seat.slot.birth().and_then(|birth| birth.pid);
            if pid.is_some_and(|pid| pids.contains(&pid)) {
                return Err(format!("slot {slot}: its process sits in two slots"));
            }
            pids.extend(pid);
            let expected = match &seat.slot {
                Slot::Starting(starting) => Some(starting.birth.generation),
                slot => slot.pending(),
            };
            if self.stop.is_some() && !matches!(seat.slot, Slot::Stopping(_)) {
                return Err(format!("slot {slot} is not stopping during a stop"));
            }
            if expected.is_some_and(|generation| generation != self.target && Some(generation) != base) {
                return Err(format!("slot {slot} expects a worker of a generation that nothing leads back to"));
            }
        }
        if base == Some(self.target) {
            return Err("a reload towards the generation that it comes from".into());
        }
        if self.newest < self.target {
            return Err("the target is newer than the newest generation".into());
        }
        if self.announced.is_some() && self.proven().is_none() {
            return Err("announced, but nothing has ever been ready".into());
        }
        Ok(())
    }
}
