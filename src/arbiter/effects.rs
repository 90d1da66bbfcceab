//! From actions to deeds. Each action is performed at once; what it results in comes back as an event.

use super::cgroup::Verdict;
use super::collect::Details;
use super::load::{Load, LoadError, Reloaded};
use super::obituary::{self, Death};
use super::shell::Shell;
use super::upgrade::Successor;
use crate::listeners::Listeners;
use crate::log;
use crate::scoreboard;
use crate::supervisor::{Action, Cause, Event, Symptom};
use crate::sys;
use crate::sys::wait::Reaped;
use crate::types::{ExitStatus, Generation, Mono, Pid, Signal, SlotId};
use std::time::Duration;

/// How soon after their time workers have ordinarily left sockets.
const LEFT: Duration = Duration::from_millis(200);
/// When to look again whether somebody waits in them.
const AGAIN: Duration = Duration::from_millis(50);

/// What is left to do after an action.
pub enum Outcome {
    /// Nothing.
    Done,
    /// Tell the machine.
    Answer(Event),
    /// Leave with this code.
    Exit(i32),
}

impl Shell<'_> {
    /// Performs one action. `death` is what `wait` told, if the event behind the action was a death.
    pub fn perform(&mut self, action: Action, now: Mono, death: Option<&Reaped>) -> Outcome {
        match action {
            Action::Load { generation } => {
                self.details = Details::default();
                let loaded = self.loads.reload(generation, self.source, self.launcher);
                return Outcome::Answer(match loaded.and_then(|reloaded| self.allow(generation, reloaded)) {
                    Ok(reloaded) => {
                        log::init(reloaded.log_orders, reloaded.log);
                        self.log_generation = generation;
                        self.log_listeners(generation);
                        self.watch_again(generation);
                        self.watch_certificates();
                        self.watch.look_soon();
                        Event::Loaded { generation, terms: reloaded.terms }
                    }
                    Err(error) => Event::LoadRefused { generation, reason: error.message },
                });
            }
            Action::Forget { generation } => {
                let was_newest = self.loads.newest_generation() == Some(generation);
                self.end_zygotes(|which| which == generation);
                self.loads.forget(generation);
                self.launcher.forget(generation);
                if was_newest {
                    // An abandoned reload: the files of the load that goes on may have changed unseen.
                    self.watch_certificates();
                    self.watch.look_soon();
                }
            }
            Action::Spawn { slot, generation } => {
                return self.spawn(slot, generation).map_or(Outcome::Done, Outcome::Answer);
            }
            Action::Withdraw { slot } => return self.withdraw(slot).map_or(Outcome::Done, Outcome::Answer),
            Action::Signal { pid, signal } => {
                if let Some(told) = self.signal_unborn(pid, signal) {
                    return told.map_or(Outcome::Done, Outcome::Answer);
                }
                self.signal(pid, signal);
            }
            Action::ReadHeartbeat { slot } => {
                let at = self.scoreboard.slot(slot).heartbeat();
                return Outcome::Answer(Event::Heartbeat { slot, at });
            }
            Action::Autopsy { slot, pid, symptom } => self.autopsy(slot, pid, symptom, now),
            Action::Obituary { slot, pid, generation, status, cause } => {
                let peak_rss_kb = death.map_or(0, |death| death.peak_rss_kb);
                self.roster.remove(pid);
                self.bury(slot, pid, generation, status, &cause, peak_rss_kb, now);
            }
            Action::ReopenLogs => self.reopen_logs(),
            Action::CloseListeners => {
                self.end_zygotes(|_| true);
                for load in self.loads.iter() {
                    load.listeners.close();
                }
            }
            Action::Settle { generation } => return self.settle(generation, now),
            Action::CloseLeft => return Outcome::Answer(self.close_left(now)),
            Action::StartUpgrade => return Outcome::Answer(self.start_upgrade()),
            Action::StartBuild => {
                let refused = self.development.as_mut().and_then(|development| development.start_build());
                return refused.map_or(Outcome::Done, Outcome::Answer);
            }
            Action::CancelBuild => {
                if let Some(development) = &mut self.development {
                    development.cancel_build();
                }
            }
            Action::Announce(phase) => self.announce(&phase, now),
            Action::Log(level, text) => log::write(level, &text),
            Action::Exit(code) => return Outcome::Exit(code),
        }
        Outcome::Done
    }

    fn settle(&mut self, generation: Generation, now: Mono) -> Outcome {
        match self.loads.settle(generation) {
            Ok(do_some_leave) => {
                self.scoreboard.settle(generation);
                if !do_some_leave {
                    return Outcome::Done;
                }
                let until = now.after(scoreboard::LEAVING + LEFT);
                let patience = self.loads.get(generation).map_or(Duration::ZERO, |load| load.settings.graceful_timeout);
                self.leave_until = until.after(patience);
                self.leavers = self.roster.iter().map(|member| member.pid).collect();
                Outcome::Answer(Event::SocketsLeave { until })
            }
            Err(error) => {
                log::error!("{error}; HUP tries it again");
                Outcome::Done
            }
        }
    }

    /// Who waits in what is left waits for a worker that has too much to do, and is not sent away as long as a request may
    /// take and there is such a worker.
    fn close_left(&mut self, now: Mono) -> Event {
        let listeners = self.loads.newest().map(|load| &load.listeners);
        let mut staying = self.roster.iter().filter(|member| !member.gone && !member.leaving);
        let is_patient = now < self.leave_until && staying.any(|member| self.leavers.contains(&member.pid));
        if is_patient && listeners.is_some_and(Listeners::does_somebody_wait_in_left) {
            return Event::SocketsLeave { until: now.after(AGAIN) };
        }
        if let Some(listeners) = listeners {
            listeners.close_left();
        }
        Event::SocketsLeft
    }

    fn signal(&mut self, pid: Pid, signal: Signal) {
        match self.roster.get_mut(pid) {
            // Reaped, though the machine has yet to hear of it: the number may be another's by now.
            Some(member) if member.gone => return,
            None if !self.zygotes.has(pid) => return,
            Some(member) => {
                member.leaving |= matches!(signal, Signal::TERM | Signal::QUIT | Signal::ABRT | Signal::KILL);
            }
            None => {}
        }
        if let Err(error) = sys::signal::send(pid, signal) {
            log::error!("cannot send {signal} to worker (pid:{pid}): {error}");
        }
    }

    fn autopsy(&mut self, slot: SlotId, pid: Pid, symptom: Symptom, now: Mono) {
        let record = self.scoreboard.slot(slot);
        let facts = record.snapshot();
        let doing = match symptom {
            Symptom::BootTimeout(_) => {
                let kind = self.loads.newest().map_or("", |load| self.launcher.kind(&load.settings));
                obituary::booting(&facts, kind).into()
            }
            Symptom::Hung(_) | Symptom::DrainOverdue(_) => obituary::doing(&record.requests(), facts.in_flight, now),
        };
        log::critical!("worker {slot} (pid:{pid}): {}; {doing}", obituary::complaint(symptom));
        // Its own thread writes the stacks, whatever the event loop is doing.
        if self.signal_unborn(pid, Signal::PWR).is_none() {
            self.signal(pid, Signal::PWR);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the facts of one death")]
    fn bury(
        &mut self,
        slot: SlotId,
        pid: Pid,
        generation: Generation,
        status: ExitStatus,
        cause: &Cause,
        peak_rss_kb: u64,
        now: Mono,
    ) {
        let killed = ExitStatus::Signal { signal: Signal::KILL, core_dumped: false };
        let unexplained = matches!(cause, Cause::Unexpected | Cause::DiedBooting) && status == killed;
        let oom = if unexplained { self.oom.verdict() } else { Verdict::NotMemory };
        let record = self.scoreboard.slot(slot);
        let (facts, lost) = (record.snapshot(), obituary::lost_requests(&record));
        let death = Death { slot, pid, generation, status, cause, facts: &facts, lost: &lost, peak_rss_kb, oom, now };
        let (level, line) = death.line();
        log::write(level, &line);
        if let Some(load) = self.loads.get(generation).or_else(|| self.loads.newest()) {
            load.access.tell_lost(pid, (&status, cause), &lost.named, lost.count(), now);
        }
        self.scoreboard.vacate(slot);
        self.with_hooks(|hooks, server| hooks.reaped(server, pid));
    }

    /// The operator's last word on a reload.
    fn allow(&mut self, generation: Generation, reloaded: Reloaded) -> Result<Reloaded, LoadError> {
        match self.with_hooks(|hooks, server| hooks.reloading(server)) {
            Some(Err(reason)) => {
                self.loads.forget(generation);
                self.launcher.forget(generation);
                Err(LoadError::failure(reason))
            }
            _ => Ok(reloaded),
        }
    }

    fn reopen_logs(&mut self) {
        for load in self.loads.iter_mut() {
            if let Err(error) = load.access.reopen(&load.identity) {
                log::error!("{error}; the access log goes on where it was");
            }
        }
        let load = self.loads.get(self.log_generation).or_else(|| self.loads.newest());
        // A log without a file has nothing to reopen.
        let reopened = load.filter(|load| load.settings.log_path().is_some()).map_or(Ok(()), Load::take_log);
        match reopened {
            Ok(()) => log::info!("logs reopened"),
            Err(error) => log::error!("{error}; the log goes on where it was"),
        }
    }

    fn start_upgrade(&mut self) -> Event {
        let hook = || {
            self.with_hooks(|hooks, server| hooks.upgrading(server));
        };
        let hook: Option<&dyn Fn()> = if self.launcher.hooks().want_upgrades() { Some(&hook) } else { None };
        // Before it can change anything about them.
        self.share_listeners();
        match Successor::start(&self.origin, &self.loads, hook) {
            Ok(successor) => {
                let pid = successor.pid;
                self.successor = Some(successor);
                Event::UpgradeStarted { pid }
            }
            Err(error) => {
                self.own_socket_files();
                Event::UpgradeFailed { reason: error.to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbiter::collect::News;
    use crate::arbiter::testkit::{App, reaped, with_shell};
    use crate::sys::testkit;

    const KILL: Signal = Signal::KILL;

    fn kill(shell: &mut Shell<'_>, pid: Pid) {
        shell.perform(Action::Signal { pid, signal: KILL }, sys::clock::now(), None);
    }

    /// A worker that stays until it is told otherwise.
    fn worker(shell: &mut Shell<'_>) -> Pid {
        match shell.spawn(SlotId(0), Generation::FIRST) {
            Some(Event::Started { pid, .. }) => pid,
            other => panic!("{other:?}"),
        }
    }

    fn for_ever(_: &crate::abi::Seat) -> Result<i32, String> {
        loop {
            std::thread::park();
        }
    }

    #[test]
    fn a_reaped_worker_s_number_may_be_another_s_and_gets_no_signal() {
        testkit::in_fork(|| {
            with_shell(&mut App::new(for_ever), |shell| {
                let pid = worker(shell);
                // As if it had been reaped and its number were this process's now.
                let death = Reaped { pid, status: ExitStatus::Code(0), peak_rss_kb: 0, cpu: std::time::Duration::ZERO };
                let mut news = Vec::new();
                assert!(shell.bury_member(&death, &mut news) && matches!(news[..], [News::Death(_)]));
                kill(shell, pid);
                shell.roster.remove(pid);
                // Nor does a process that is nobody here: a zygote that was reaped.
                kill(shell, pid);
                assert!(sys::signal::send(pid, Signal::TERM).unwrap());
                assert_eq!(reaped(pid), ExitStatus::Signal { signal: Signal::TERM, core_dumped: false });
            });
        });
    }

    #[test]
    fn a_living_worker_gets_its_signals() {
        testkit::in_fork(|| {
            with_shell(&mut App::new(for_ever), |shell| {
                let pid = worker(shell);
                kill(shell, pid);
                assert!(shell.roster.get_mut(pid).is_some_and(|member| member.leaving));
                assert_eq!(reaped(pid), ExitStatus::Signal { signal: KILL, core_dumped: false });
            });
        });
    }
}
