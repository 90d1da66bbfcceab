//! What tests of children need: an application that is no more than how it ends, and a plan of its first worker.

use super::child::Plan;
use super::hooks::{Hooks, NoHooks};
use super::launcher::{LaunchError, Launcher, WatchPlan};
use super::load;
use crate::abi::Seat;
use crate::scoreboard::Scoreboard;
use crate::settings::Settings;
use crate::sys;
use crate::types::{ExitStatus, Generation, Pid, SlotId};
use std::os::fd::AsFd;

/// An application that does this instead of serving.
pub struct App {
    pub life: fn() -> Result<i32, String>,
    pub hooks: &'static dyn Hooks,
}

impl App {
    pub fn new(life: fn() -> Result<i32, String>) -> Self {
        Self { life, hooks: &NoHooks }
    }
}

impl Launcher for App {
    fn launch(&self, _: Generation, _: &Seat) -> Result<i32, LaunchError> {
        Ok((self.life)()?)
    }

    fn watch(&self, _: &Settings) -> Result<WatchPlan, String> {
        Err("nothing to watch".into())
    }

    fn hooks(&self) -> &dyn Hooks {
        self.hooks
    }
}

/// The plan of the first worker, which has no log.
pub fn with_plan<T>(app: &App, use_it: impl FnOnce(&Plan<'_>) -> T) -> T {
    let settings = Settings { bind: vec!["127.0.0.1:0".into()], daemon: true, ..Settings::default() };
    let names = load::look_up(&settings, None).unwrap();
    let load = load::open(settings, names, None, None).unwrap();
    let lifeline = sys::pipe::nonblocking().unwrap();
    let scoreboard = Scoreboard::create(1).unwrap();
    use_it(&Plan {
        slot: SlotId(0),
        generation: Generation::FIRST,
        load: &load,
        age: 1,
        lane: 0,
        lifeline: lifeline.0.as_fd(),
        scoreboard: &scoreboard,
        launcher: app,
    })
}

/// Waits for the end of this child, and passes over others.
pub fn reaped(pid: Pid) -> ExitStatus {
    loop {
        match sys::wait::reap() {
            Some(reaped) if reaped.pid == pid => return reaped.status,
            _ => std::thread::yield_now(),
        }
    }
}
