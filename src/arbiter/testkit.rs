//! What tests of children need: an application that is no more than how it ends, a plan of its first worker, and an
//! arbiter's belongings.

use super::certificates::Watch;
use super::cgroup::OomWatch;
use super::child::Plan;
use super::collect::Details;
use super::hooks::{Hooks, NoHooks};
use super::launcher::{LaunchError, Launcher, WatchPlan};
use super::load::{self, Load, Loads};
use super::notify::ServiceManager;
use super::roster::Roster;
use super::shell::Shell;
use super::upgrade::Origin;
use super::zygote::Zygotes;
use crate::abi::Seat;
use crate::listeners::Listeners;
use crate::scoreboard::Scoreboard;
use crate::settings::{Resolved, Settings, SettingsError, SettingsSource};
use crate::sys;
use crate::sys::signal::Inbox;
use crate::types::{ExitStatus, Generation, Mono, Pid, Signal, SlotId};
use std::os::fd::AsFd;

/// An application that does this instead of serving.
pub struct App {
    pub life: fn(&Seat) -> Result<i32, String>,
    pub hooks: &'static dyn Hooks,
}

impl App {
    pub fn new(life: fn(&Seat) -> Result<i32, String>) -> Self {
        Self { life, hooks: &NoHooks }
    }
}

impl Launcher for App {
    fn launch(&self, _: Generation, seat: &Seat) -> Result<i32, LaunchError> {
        Ok((self.life)(seat)?)
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
    with_plan_of(&first_load(), app, use_it)
}

/// The plan of a worker of this load.
pub fn with_plan_of<T>(load: &Load, app: &App, use_it: impl FnOnce(&Plan<'_>) -> T) -> T {
    let lifeline = sys::pipe::nonblocking().unwrap();
    let scoreboard = Scoreboard::create(1).unwrap();
    use_it(&Plan {
        slot: SlotId(0),
        generation: Generation::FIRST,
        load,
        age: 1,
        lane: 0,
        lifeline: lifeline.0.as_fd(),
        scoreboard: &scoreboard,
        launcher: app,
    })
}

/// What the first worker runs with.
fn first_load() -> Load {
    load("127.0.0.1:0", &[])
}

/// A load with this bind, after these.
pub fn load(bind: &str, before: &[&Listeners]) -> Load {
    let settings = Settings { bind: vec![bind.to_owned()], daemon: true, ..Settings::default() };
    let names = load::look_up(&settings, None).unwrap();
    load::open(settings, names, before, None).unwrap()
}

/// There is nothing to be read again.
struct NoSource;

impl SettingsSource for NoSource {
    fn load(&self) -> Result<Resolved, SettingsError> {
        unreachable!("nobody reloads")
    }
}

/// An arbiter that has its first load and no worker.
pub fn with_shell<T>(app: &mut App, use_it: impl FnOnce(&mut Shell<'_>) -> T) -> T {
    let own = Pid(std::process::id().cast_signed());
    let mut loads = Loads::default();
    loads.insert(Generation::FIRST, first_load());
    use_it(&mut Shell {
        source: &NoSource,
        launcher: app,
        loads,
        details: Details::default(),
        roster: Roster::default(),
        scoreboard: Scoreboard::create(2).unwrap(),
        lifeline: sys::pipe::nonblocking().unwrap(),
        inbox: Inbox::install(&[Signal::CHLD]).unwrap(),
        manager: ServiceManager::from_env(Mono::default(), own, false),
        oom: OomWatch::start(),
        pidfile: None,
        successor: None,
        predecessor: None,
        development: None,
        watch: Watch::default(),
        readiness: None,
        origin: Origin::remember(None).unwrap(),
        daemonized: false,
        log_generation: Generation::FIRST,
        leave_until: Mono(0),
        leavers: Vec::new(),
        own,
        zygotes: Zygotes::default(),
        forks: 0,
        later: Vec::new(),
        wanted: None,
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
