//! What has to wait until workers have left the sockets that a reload has replaced: a reload or an upgrade that opens
//! sockets would find those in its way, and could join them only to lose who has just begun to connect.

use super::action::Action;
use super::machine::{Machine, log};
use crate::types::{Level, Mono};

/// Whether workers have such sockets, and what waits for the end of that.
#[derive(Clone, Debug, Default)]
pub struct Postponed {
    sockets: Sockets,
    reload: bool,
    upgrade: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Sockets {
    #[default]
    None,
    /// They are left until then.
    Until(Mono),
    /// `CloseLeft` is out.
    Closing,
}

impl Postponed {
    pub fn deadline(&self) -> Option<Mono> {
        match self.sockets {
            Sockets::Until(until) => Some(until),
            Sockets::None | Sockets::Closing => None,
        }
    }

    /// The reload that waits is not wanted any more.
    pub fn give_up(&mut self) {
        self.reload = false;
    }
}

impl Machine {
    /// Workers leave sockets, and will have until then.
    pub(super) fn sockets_leave(&mut self, until: Mono) {
        self.postponed.sockets = Sockets::Until(until);
    }

    /// They had: what has waited for that is done.
    pub(super) fn sockets_left(&mut self, out: &mut Vec<Action>) {
        let Postponed { reload, upgrade, .. } = std::mem::take(&mut self.postponed);
        if reload {
            self.reload(out);
        }
        if upgrade {
            self.start_upgrade(out);
        }
    }

    /// Reloads now, or as soon as that can be.
    pub(super) fn reload_soon(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.has_to_wait() {
            self.reload(out);
        } else if !std::mem::replace(&mut self.postponed.reload, true) {
            self.tell_of_wait("Reload", now, out);
        }
    }

    /// The same with an upgrade.
    pub(super) fn upgrade_soon(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.has_to_wait() || self.upgrade.is_under_way() {
            self.start_upgrade(out);
        } else if !std::mem::replace(&mut self.postponed.upgrade, true) {
            self.tell_of_wait("Upgrade", now, out);
        }
    }

    fn has_to_wait(&self) -> bool {
        !matches!(self.postponed.sockets, Sockets::None) && self.stop.is_none()
    }

    fn tell_of_wait(&self, what: &str, now: Mono, out: &mut Vec<Action>) {
        let wait = self.postponed.deadline().map_or(0.0, |until| until.since(now).as_secs_f64());
        let text = format!("{what} in {wait:.1} s, when the workers have left the wider sockets of before");
        log(out, Level::Info, text);
    }

    pub(super) fn postponed_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.postponed.deadline().is_some_and(|deadline| deadline <= now) {
            self.postponed.sockets = Sockets::Closing;
            out.push(Action::CloseLeft);
        }
    }
}
