//! The upgrade (USR2) as the supervisor sees it: one child more, which is no worker.

use super::action::{Action, Phase};
use super::machine::{Machine, log};
use crate::types::{ExitStatus, Level, Pid};

/// How far an upgrade has come.
#[derive(Clone, Debug, Default)]
pub enum Upgrade {
    /// None runs.
    #[default]
    None,
    /// `StartUpgrade` is out, or the new arbiter boots or serves.
    Running { pid: Option<Pid>, serves: bool },
}

impl Upgrade {
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    pub fn is(&self, pid: Pid) -> bool {
        matches!(self, Self::Running { pid: Some(own), .. } if *own == pid)
    }
}

impl Machine {
    pub(super) fn start_upgrade(&mut self, out: &mut Vec<Action>) {
        if self.stop.is_some() {
            return;
        }
        if let Upgrade::Running { pid, .. } = &self.upgrade {
            let pid = pid.map(|pid| format!(" (pid:{pid})")).unwrap_or_default();
            log(out, Level::Warning, format!("USR2 signal ignored. Child exists.{pid}"));
            return;
        }
        self.upgrade = Upgrade::Running { pid: None, serves: false };
        out.push(Action::StartUpgrade);
    }

    pub(super) fn upgrade_started(&mut self, pid: Pid, out: &mut Vec<Action>) {
        log(
            out,
            Level::Info,
            format!("Upgrade: new arbiter started (pid:{pid}); this one goes on until it is told to"),
        );
        self.upgrade = Upgrade::Running { pid: Some(pid), serves: false };
    }

    pub(super) fn upgrade_failed(&mut self, reason: &str, out: &mut Vec<Action>) {
        log(out, Level::Error, format!("Upgrade: the new arbiter could not be started: {reason}; this one goes on"));
        self.upgrade = Upgrade::None;
        // Our listeners were prepared for it.
        self.settled = None;
    }

    pub(super) fn upgrade_ready(&mut self, pid: Pid, out: &mut Vec<Action>) {
        if !self.upgrade.is(pid) {
            return;
        }
        self.upgrade = Upgrade::Running { pid: Some(pid), serves: true };
        let text = format!("Upgrade: the new arbiter (pid:{pid}) serves; TERM or QUIT ends this one");
        log(out, Level::Info, text);
        if self.stop.is_none() {
            out.push(Action::Announce(Phase::Upgraded { pid }));
        }
    }

    pub(super) fn upgrade_exited(&mut self, pid: Pid, status: ExitStatus, out: &mut Vec<Action>) {
        let when = match self.upgrade {
            Upgrade::Running { serves: false, .. } => "before it served",
            _ => "after it had served",
        };
        self.upgrade = Upgrade::None;
        // It may have made our listeners ready to be joined.
        self.settled = None;
        let ended = format!("Upgrade: the new arbiter (pid:{pid}) {status} {when}");
        if self.stop.is_none() {
            log(out, Level::Error, format!("{ended}; this one goes on"));
        } else {
            // It was to serve instead of this one.
            let text = format!("{ended}, and this one is stopping already: nobody will serve; start rustcorn again");
            log(out, Level::Critical, text);
        }
        out.push(Action::Announce(Phase::UpgradeLost));
        self.tell_again(out);
    }

    /// Who is the main process has changed: its state has to be told anew.
    fn tell_again(&mut self, out: &mut Vec<Action>) {
        if self.stop.is_some() {
            out.push(Action::Announce(Phase::Stopping));
        } else {
            self.announce_serving(true, out);
        }
    }

    pub(super) fn promoted(&mut self, out: &mut Vec<Action>) {
        log(out, Level::Info, "Master has been promoted.");
        self.beside_another = false;
        out.push(Action::Announce(Phase::Promoted));
        self.tell_again(out);
    }
}
