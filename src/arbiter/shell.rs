//! The shell's belongings: everything that the arbiter holds of the outside world.

use super::certificates::Watch;
use super::cgroup::OomWatch;
use super::child::{self, Plan};
use super::collect::{Details, News};
use super::develop::Development;
use super::hooks::Newcomer;
use super::launcher::Launcher;
use super::load::Loads;
use super::notify::ServiceManager;
use super::pidfile::PidFile;
use super::roster::{Member, Roster};
use super::terms;
use super::upgrade::{Origin, Predecessor, Successor};
use super::zygote::Zygotes;
use crate::log;
use crate::scoreboard::Scoreboard;
use crate::settings::SettingsSource;
use crate::supervisor::Event;
use crate::sys;
use crate::sys::daemon::Readiness;
use crate::sys::signal::Inbox;
use crate::types::{Generation, Mono, Pid, SlotId};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What the arbiter holds. Descriptors close when it is dropped, sockets in the file system and the pid file go with it.
pub struct Shell<'a> {
    /// Where settings are read from again.
    pub source: &'a dyn SettingsSource,
    /// What workers run.
    pub launcher: &'a mut dyn Launcher,
    /// Settings and listeners by generation.
    pub loads: Loads,
    /// What failed boots have said already.
    pub details: Details,
    /// The worker processes.
    pub roster: Roster,
    /// What the workers say of themselves.
    pub scoreboard: Scoreboard,
    /// Both ends of the lifeline; the workers keep the first only.
    pub lifeline: (OwnedFd, OwnedFd),
    /// Signals.
    pub inbox: Inbox,
    /// systemd.
    pub manager: ServiceManager,
    /// Whether the kernel killed for memory.
    pub oom: OomWatch,
    /// Our pid file, once we serve.
    pub pidfile: Option<PidFile>,
    /// The upgrade that we started.
    pub successor: Option<Successor>,
    /// The arbiter that we are the upgrade of, until it is gone.
    pub predecessor: Option<Predecessor>,
    /// `--reload`.
    pub development: Option<Development>,
    /// When to look at the certificates again.
    pub watch: Watch,
    /// The process that launched the daemon, until it is answered.
    pub readiness: Option<Readiness>,
    /// How we were started.
    pub origin: Origin,
    /// Whether WINCH means anything: a terminal sends it at every resize.
    pub daemonized: bool,
    /// Which generation's settings the log follows.
    pub log_generation: Generation,
    /// When sockets that workers leave end, even if somebody waits there.
    pub leave_until: Mono,
    /// The workers that have them.
    pub leavers: Vec<Pid>,
    /// Our own process.
    pub own: Pid,
    /// The processes that have an application loaded and that workers are forked from.
    pub zygotes: Zygotes,
    /// How many workers have been tried so far.
    pub forks: u32,
    /// What the machine has to be told at the next turn.
    pub later: Vec<News>,
    /// How many workers are wanted, once that is known.
    pub wanted: Option<u16>,
}

impl Shell<'_> {
    /// Forks a worker; the answer is an event either way. None: it comes later.
    pub fn spawn(&mut self, slot: SlotId, generation: Generation) -> Option<Event> {
        if self.launcher.preloads(generation) {
            return self.spawn_preloaded(slot, generation);
        }
        let spawned = self.allow_fork(slot, generation).and_then(|()| {
            let plan = self.plan(slot, generation)?;
            child::spawn(&plan).map_err(|error| error.to_string())
        });
        Some(match spawned {
            Ok(member) => self.welcome(slot, member),
            Err(reason) => Event::SpawnFailed { slot, reason },
        })
    }

    /// The operator's word before a worker is forked.
    pub fn allow_fork(&mut self, slot: SlotId, generation: Generation) -> Result<(), String> {
        self.forks = self.forks.saturating_add(1);
        let newcomer = Newcomer { slot, generation, age: self.forks };
        self.with_hooks(|hooks, server| hooks.forking(server, &newcomer)).unwrap_or(Ok(()))
    }

    /// What the newest worker is made from.
    pub fn plan(&self, slot: SlotId, generation: Generation) -> Result<Plan<'_>, String> {
        let load = self.loads.get(generation);
        let load = load.ok_or_else(|| format!("generation {generation} is not loaded any more"))?;
        // More workers than lanes share them.
        let lanes = load.listeners.lanes().min(usize::from(load.settings.workers));
        Ok(Plan {
            slot,
            generation,
            load,
            age: self.forks,
            lane: self.roster.emptiest_lane(u32::try_from(lanes).unwrap_or(1)),
            lifeline: self.lifeline.0.as_fd(),
            scoreboard: &self.scoreboard,
            launcher: &*self.launcher,
        })
    }

    /// The process of a worker exists.
    pub fn welcome(&mut self, slot: SlotId, member: Member) -> Event {
        let pid = member.pid;
        self.launcher.hooks().forked(slot, pid);
        self.roster.add(member);
        Event::Started { slot, pid }
    }

    /// An abandoned reload has changed the log already: back to what the serving generation wants.
    pub fn follow_log(&mut self, generation: Generation) {
        let Some(load) = self.loads.get(generation).filter(|_| self.log_generation != generation) else { return };
        match load.take_log() {
            Ok(()) => self.log_generation = generation,
            Err(error) => log::error!("{error}; the log goes on where it is"),
        }
    }

    /// The name for titles, of the newest load.
    pub fn app(&self) -> String {
        self.loads.newest().map(|load| terms::app_name(&load.settings)).unwrap_or_default()
    }

    /// Another arbiter is about to get the newest listeners from us.
    pub fn share_listeners(&self) {
        if let Some(load) = self.loads.newest() {
            load.listeners.share();
        }
    }

    /// No other arbiter serves from our listeners any more.
    pub fn own_socket_files(&self) {
        for load in self.loads.iter() {
            load.listeners.own_files();
        }
    }

    /// The process title.
    pub fn title(&self, note: &str) {
        sys::title::set(&format!("rustcorn: arbiter{note} [{}]", self.app()));
    }

    /// Everything that can wake the arbiter, the signals first.
    pub fn wake_sources(&self) -> Vec<BorrowedFd<'_>> {
        let mut sources = vec![self.inbox.as_fd()];
        sources.extend(self.development.as_ref().map(Development::pipe));
        sources.extend(self.watch.pipe());
        sources.extend(self.successor.as_ref().and_then(Successor::pipe));
        sources.extend(self.predecessor.as_ref().and_then(Predecessor::pipe));
        sources.extend(self.roster.iter().filter_map(Member::pipe));
        sources.extend(self.zygotes.wake_sources());
        sources
    }
}
