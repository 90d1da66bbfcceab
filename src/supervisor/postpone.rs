//! What has to wait until workers have left the sockets that a reload has replaced: another load would find them in its
//! way, and could join them only to lose who has just begun to connect.

use super::action::Action;
use super::event::Intent;
use super::machine::{Machine, log};
use crate::types::{Level, Mono};

/// Until when, and what.
#[derive(Clone, Debug, Default)]
pub struct Postponed {
    until: Option<Mono>,
    reload: bool,
    upgrade: bool,
}

impl Postponed {
    pub fn deadline(&self) -> Option<Mono> {
        self.until.filter(|_| self.reload || self.upgrade)
    }
}

impl Machine {
    /// Workers leave sockets, and will have until then.
    pub(super) fn sockets_leave(&mut self, until: Mono) {
        self.postponed.until = Some(until);
    }

    /// Whether it has to wait; then it will be done later, once.
    pub(super) fn postpones(&mut self, now: Mono, intent: Intent, out: &mut Vec<Action>) -> bool {
        let Some(until) = self.postponed.until.filter(|until| *until > now && self.stop.is_none()) else {
            return false;
        };
        match intent {
            Intent::Reload => self.postponed.reload = true,
            Intent::Upgrade => self.postponed.upgrade = true,
            _ => return false,
        }
        let wait = until.since(now).as_secs_f64();
        let text = format!("It begins in {wait:.1} s, when the workers have left the wider sockets of before");
        log(out, Level::Info, text);
        true
    }

    pub(super) fn postponed_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.postponed.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let due = std::mem::take(&mut self.postponed);
        if due.reload {
            self.reload(out);
        }
        if due.upgrade {
            self.start_upgrade(out);
        }
    }
}
