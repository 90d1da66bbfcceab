//! What has to wait until workers have left the sockets that a reload has replaced: a reload or an upgrade that opens
//! sockets would find those in its way, and could join them only to lose who has just begun to connect.

use super::action::Action;
use super::machine::{Machine, log};
use crate::types::{Level, Mono};

/// Until when workers have such sockets, and what waits for that.
#[derive(Clone, Debug, Default)]
pub struct Postponed {
    until: Option<Mono>,
    reload: bool,
    upgrade: bool,
}

impl Postponed {
    pub fn deadline(&self) -> Option<Mono> {
        self.until
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
        self.postponed_due(now, out);
        match self.time_to_wait(now) {
            None => self.reload(out),
            Some(wait) if !std::mem::replace(&mut self.postponed.reload, true) => tell("Reload", wait, out),
            Some(_) => {}
        }
    }

    /// The same with an upgrade.
    pub(super) fn upgrade_soon(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.postponed_due(now, out);
        match self.time_to_wait(now).filter(|_| !self.upgrade.is_under_way()) {
            None => self.start_upgrade(out),
            Some(wait) if !std::mem::replace(&mut self.postponed.upgrade, true) => tell("Upgrade", wait, out),
            Some(_) => {}
        }
    }

    /// In seconds.
    fn time_to_wait(&self, now: Mono) -> Option<f64> {
        let until = self.postponed.until.filter(|_| self.stop.is_none());
        until.map(|until| until.since(now).as_secs_f64())
    }

    /// The workers have left: nobody has use for the sockets any more, and what has waited for that is done.
    pub(super) fn postponed_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.postponed.until.is_none_or(|until| until > now) {
            return;
        }
        let Postponed { reload, upgrade, .. } = std::mem::take(&mut self.postponed);
        out.push(Action::CloseLeft);
        if reload {
            self.reload(out);
        }
        if upgrade {
            self.start_upgrade(out);
        }
    }
}

fn tell(what: &str, wait: f64, out: &mut Vec<Action>) {
    log(out, Level::Info, format!("{what} in {wait:.1} s, when the workers have left the wider sockets of before"));
}
