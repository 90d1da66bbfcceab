//! `--reload`: from changed files, over a pause and a build, to a reload.

use super::action::Action;
use super::machine::{Machine, log};
use crate::types::{Level, Mono};

/// What is under way between a changed file and the reload.
#[derive(Clone, Debug, Default)]
pub struct Rebuild {
    /// Files changed; act once they have been quiet until then.
    quiet: Option<Mono>,
    building: bool,
}

impl Rebuild {
    /// While a build runs its end is waited for, not the clock.
    pub fn deadline(&self) -> Option<Mono> {
        self.quiet.filter(|_| !self.building)
    }
}

impl Machine {
    pub(super) fn files_changed(&mut self, now: Mono) {
        if self.stop.is_none() {
            self.rebuild.quiet = Some(now.after(self.terms.reload_delay));
        }
    }

    pub(super) fn rebuild_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.rebuild.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        self.rebuild.quiet = None;
        if self.terms.build_on_change {
            self.rebuild.building = true;
            out.push(Action::StartBuild);
        } else {
            self.reload_soon(now, out);
        }
    }

    pub(super) fn built(&mut self, now: Mono, ok: bool, out: &mut Vec<Action>) {
        if !std::mem::take(&mut self.rebuild.building) || self.stop.is_some() {
            return;
        }
        if let Some(quiet) = &mut self.rebuild.quiet {
            // Changed again while it was built: what was built is old already.
            *quiet = (*quiet).max(now);
        } else if ok {
            self.reload_soon(now, out);
        } else {
            log(out, Level::Error, "The build failed (see above); the workers go on with what they have");
        }
    }

    pub(super) fn cancel_rebuild(&mut self, out: &mut Vec<Action>) {
        self.rebuild.quiet = None;
        if std::mem::take(&mut self.rebuild.building) {
            out.push(Action::CancelBuild);
        }
    }
}
