//! The arbiter: the thin shell around the supervisor's decisions.
//!
//! One thread, no async runtime, no request, no application code, for its whole life: it forks without exec, and only a
//! process that never had a second thread may do that for as long as it lives. It waits in one poll(2) over signals,
//! worker reports and inotify; `supervisor` decides; the files here do. The counterpart in the child is `worker`, which
//! this module never names: the launcher brings it.

mod access;
mod announce;
mod boot;
mod build;
mod certificates;
mod cgroup;
mod child;
mod collect;
mod develop;
mod effects;
mod hooks;
mod launcher;
mod load;
mod logfile;
mod notify;
mod obituary;
mod orders;
mod pidfile;
mod roster;
mod shell;
mod terms;
#[cfg(test)]
mod testkit;
mod turn;
mod upgrade;
mod zygote;

pub use boot::{check, run};
pub use child::report;
pub use hooks::{Hooks, Newcomer, NoHooks, Server};
pub use launcher::{Build, LaunchError, Launcher, Names, PrepareError, WatchPlan};
pub use load::LoadError;
pub use upgrade::working_directory;
