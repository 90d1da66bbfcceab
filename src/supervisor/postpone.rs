//! A reload that has to wait until workers have left the sockets that the one before has replaced: it would find them in its
//! way, and could join them only to lose who has just begun to connect.

use super::action::Action;
use super::machine::{Machine, log};
use crate::types::{Level, Mono};

/// Until when workers have such sockets, and whether a reload waits for that.
#[derive(Clone, Debug, Default)]
pub struct Postponed {
    until: Option<Mono>,
    reload: bool,
}

impl Postponed {
    pub fn deadline(&self) -> Option<Mono> {
        self.until.filter(|_| self.reload)
    }

    /// The reload that waits is not wanted any more.
    pub fn give_up(&mut self) {
        self.reload = false;
    }
}

impl Machine {
    /// Workers leave sockets, and will have until then.
    pub(super) fn sockets_leave(&mut self, until: Mono) {
        self.postponed.until = Some(until);
    }

    /// Reloads now, or as soon as that can be.
    pub(super) fn reload_soon(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Some(until) = self.postponed.until.filter(|until| *until > now && self.stop.is_none()) else {
            self.postponed = Postponed::default();
            self.reload(out);
            return;
        };
        if !std::mem::replace(&mut self.postponed.reload, true) {
            let wait = until.since(now).as_secs_f64();
            let text = format!("Reload in {wait:.1} s, when the workers have left the wider sockets of before");
            log(out, Level::Info, text);
        }
    }

    pub(super) fn postponed_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.postponed.deadline().is_some_and(|deadline| deadline <= now) {
            self.reload_soon(now, out);
        }
    }
}
