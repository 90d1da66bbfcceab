//! Workers that are forked from a process which has the application loaded already: its zygote, one for a generation.
//!
//! The arbiter forks the zygote, and asks it for workers when it is ready. Each is forked twice, so that it is the
//! arbiter's child in the end (the arbiter adopts orphans), and everything else is as for any worker. While the zygote
//! loads, it stands in the seat of the first worker that was wanted: its failure is that worker's, with all that follows.
//!
//! Nobody waits for an answer: what is owed stands in a ledger, the socket wakes the arbiter, and a zygote that does not
//! answer in time is ended. So a worker may live, speak and die before the arbiter knows that it exists: its words wait
//! in its pipe, and its death among the strays.

mod answer;
mod ledger;
mod process;

use super::collect::{self, News};
use super::roster::Member;
use super::shell::Shell;
use crate::abi::Report;
use crate::log;
use crate::supervisor::Event;
use crate::sys::wait::Reaped;
use crate::sys::{self, passing};
use crate::types::{Generation, Mono, Pid, Signal, SlotId};
use ledger::{CalledOff, Ledger, Order};
use process::Letter;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How long a zygote may take to fork.
const PATIENCE: Duration = Duration::from_secs(5);

/// The arbiter's side of one.
struct Zygote {
    process: Member,
    /// Our end, which never blocks; none: it has closed its own.
    socket: Option<OwnedFd>,
    /// It has the application.
    ready: bool,
    /// Whose seat it stands in until that one's own process is known.
    first: SlotId,
    ledger: Ledger,
}

/// All of them.
#[derive(Default)]
pub struct Zygotes {
    by_generation: BTreeMap<Generation, Zygote>,
    /// Who was reaped while an answer was owed, and may be the one that it speaks of.
    strays: Vec<Reaped>,
}

impl Zygotes {
    /// Everything of theirs that can wake the arbiter.
    pub fn wake_sources(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.by_generation.values().flat_map(|zygote| {
            let socket = zygote.socket.as_ref().filter(|_| zygote.ledger.is_owed()).map(AsFd::as_fd);
            zygote.process.pipe().into_iter().chain(socket)
        })
    }

    /// When the first of the answers that are owed must be there.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.by_generation.values().filter_map(|zygote| zygote.ledger.due()).min()
    }

    /// A dead child that nobody knows. None: its name may still be told.
    pub fn is_stranger(&mut self, reaped: Reaped) -> Option<Reaped> {
        if self.next_deadline().is_none() {
            return Some(reaped);
        }
        self.strays.push(reaped);
        None
    }

    /// Whose seat this process stands in, if it is a zygote that is done with loading: what is said to it is meant for
    /// the worker that it has not forked yet.
    fn stands_in(&self, pid: Pid) -> Option<SlotId> {
        let zygote = self.by_generation.values().find(|zygote| zygote.ready && zygote.process.pid == pid);
        zygote.map(|zygote| zygote.first)
    }
}

impl Shell<'_> {
    /// A worker of a generation that is loaded once. None: the answer comes later.
    pub fn spawn_preloaded(&mut self, slot: SlotId, generation: Generation) -> Option<Event> {
        let Some(zygote) = self.zygotes.by_generation.get_mut(&generation) else {
            return Some(self.start_zygote(slot, generation));
        };
        zygote.ledger.want(slot);
        let mut news = Vec::new();
        self.ask(generation, &mut news);
        self.later.extend(news);
        None
    }

    fn start_zygote(&mut self, slot: SlotId, generation: Generation) -> Event {
        let started = self.plan(slot, generation).and_then(|plan| {
            let started = sys::process::become_subreaper().and_then(|()| process::start(&plan, self.own));
            started.map_err(|error| error.to_string())
        });
        match started {
            Ok((process, socket)) => {
                let pid = process.pid;
                let socket = Some(socket);
                let zygote = Zygote { process, socket, ready: false, first: slot, ledger: Ledger::default() };
                self.zygotes.by_generation.insert(generation, zygote);
                Event::Started { slot, pid }
            }
            Err(reason) => Event::SpawnFailed { slot, reason },
        }
    }

    /// Has a zygote fork the next worker that waits for it, unless it is at one already.
    fn ask(&mut self, generation: Generation, news: &mut Vec<News>) {
        while let Some(zygote) = self.zygotes.by_generation.get_mut(&generation).filter(|zygote| zygote.ready)
            && let Some(slot) = zygote.ledger.next()
        {
            let written = self.allow_fork(slot, generation).and_then(|()| {
                let plan = self.plan(slot, generation)?;
                Ok((plan.lane, Letter::write(&plan).map_err(|error| error.to_string())?))
            });
            let (lane, letter) = match written {
                Ok(written) => written,
                Err(reason) => {
                    news.push(News::Event(Event::SpawnFailed { slot, reason }));
                    continue;
                }
            };
            let Some(zygote) = self.zygotes.by_generation.get_mut(&generation) else { return };
            let gone = || io::Error::other("it has closed its socket");
            match zygote.socket.as_ref().ok_or_else(gone).and_then(|socket| letter.send(socket.as_fd())) {
                Ok(reports) => {
                    let due = sys::clock::now().after(PATIENCE);
                    zygote.ledger.sent(Order { slot, lane, due, reports: Some(reports) });
                }
                Err(error) => {
                    zygote.ledger.want_first(slot);
                    self.give_up(generation, &format!("cannot be asked for a worker: {error}"), news);
                }
            }
        }
    }

    /// What the zygotes have said: they are ready, or cannot be; they have forked, or could not.
    pub fn hear_zygotes(&mut self, news: &mut Vec<News>) {
        let generations: Vec<_> = self.zygotes.by_generation.keys().copied().collect();
        for generation in generations {
            self.hear_zygote(generation, news);
            self.ask(generation, news);
        }
        if self.zygotes.next_deadline().is_none() {
            self.zygotes.strays.drain(..).for_each(collect::pass_over);
        }
    }

    fn hear_zygote(&mut self, generation: Generation, news: &mut Vec<News>) {
        let Some(zygote) = self.zygotes.by_generation.get_mut(&generation) else { return };
        let pid = zygote.process.pid;
        for report in zygote.process.read_reports() {
            match report {
                Report::Ready => {
                    log::debug!("generation {generation} is loaded: its workers are forked from there");
                    zygote.ready = true;
                    zygote.ledger.want_first(zygote.first);
                }
                report => news.extend(collect::told(pid, self.details.keep(pid, report)).map(News::Event)),
            }
        }
        let Some(socket) = zygote.socket.as_ref().filter(|_| zygote.ledger.is_owed()) else { return };
        match passing::receive(socket, 4) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok((answer, _)) if !answer.is_empty() => {
                let order = zygote.ledger.answered();
                news.extend(order.and_then(|order| self.answered(order, answer::decode(&answer))).map(News::Event));
            }
            // Its death follows, or else its time runs out.
            Ok(_) | Err(_) => zygote.socket = None,
        }
    }

    fn answered(&mut self, order: Order, answer: io::Result<Pid>) -> Option<Event> {
        let Order { slot, lane, reports, .. } = order;
        match (answer, reports) {
            (Ok(pid), Some(reports)) => Some(self.arrived(slot, Member::new(pid, lane, reports))),
            (Err(error), Some(_)) => Some(Event::SpawnFailed { slot, reason: error.to_string() }),
            (Ok(pid), None) => {
                // Called off. It may serve already, and then ends well.
                if self.roster.get_mut(pid).is_none() && !self.zygotes.strays.iter().any(|stray| stray.pid == pid) {
                    let _ = sys::signal::send(pid, Signal::TERM);
                }
                None
            }
            (Err(_), None) => None,
        }
    }

    /// A worker that its zygote has not told of, and perhaps never will: if it has come far enough to write its name on the
    /// scoreboard, it may serve, and is taken for told. If it has not, it finds its pipe closed when it is ready, and
    /// leaves.
    fn untold(&mut self, slot: SlotId, lane: u32, reports: OwnedFd, reason: &str) -> Event {
        match self.scoreboard.slot(slot).pid() {
            Pid(0) => Event::SpawnFailed { slot, reason: reason.to_owned() },
            pid => self.arrived(slot, Member::new(pid, lane, reports)),
        }
    }

    /// The process of a worker is known. It may be dead already.
    fn arrived(&mut self, slot: SlotId, member: Member) -> Event {
        let pid = member.pid;
        let event = self.welcome(slot, member);
        if let Some(index) = self.zygotes.strays.iter().position(|stray| stray.pid == pid) {
            let mut news = Vec::new();
            let reaped = self.zygotes.strays.swap_remove(index);
            self.bury_member(&reaped, &mut news);
            self.later.extend(news);
        }
        event
    }

    /// A worker that was ordered is not wanted any more. None: it exists, and that is told already, or about to be.
    pub fn withdraw(&mut self, slot: SlotId) -> Option<Event> {
        let reason = "it is not wanted any more";
        let mut ledgers = self.zygotes.by_generation.values_mut().map(|zygote| zygote.ledger.call_off(slot));
        match ledgers.find(|it| !matches!(it, CalledOff::Unknown))? {
            CalledOff::Unknown => None,
            CalledOff::Unsent => Some(Event::SpawnFailed { slot, reason: reason.to_owned() }),
            CalledOff::Sent(slot, lane, reports) => Some(self.untold(slot, lane, reports, reason)),
        }
    }

    /// Whether this signal was meant for a worker that a zygote has not forked yet; what comes of it.
    pub fn signal_unborn(&mut self, pid: Pid, signal: Signal) -> Option<Option<Event>> {
        let slot = self.zygotes.stands_in(pid)?;
        let ends = matches!(signal, Signal::TERM | Signal::QUIT | Signal::ABRT | Signal::KILL);
        Some(if ends { self.withdraw(slot) } else { None })
    }

    /// Ends the zygotes that do not answer.
    pub fn hurry_zygotes(&mut self, now: Mono) {
        let late = |zygote: &Zygote| zygote.ledger.due().is_some_and(|due| due <= now);
        let late =
            self.zygotes.by_generation.iter().filter(|(_, zygote)| late(zygote)).map(|(generation, _)| *generation);
        for generation in late.collect::<Vec<_>>() {
            let mut news = Vec::new();
            self.give_up(generation, &format!("has not answered for {} s", PATIENCE.as_secs()), &mut news);
            self.later.extend(news);
        }
    }

    /// This one is of no use any more: another one is started in its place when it is needed.
    fn give_up(&mut self, generation: Generation, why: &str, news: &mut Vec<News>) {
        let Some(zygote) = self.zygotes.by_generation.remove(&generation) else { return };
        let pid = zygote.process.pid;
        log::warn!(
            "The process that the workers of generation {generation} are forked from (pid:{pid}) {why}; it is killed, and \
             the application is loaded anew when another worker is needed"
        );
        let _ = sys::signal::send(pid, Signal::KILL);
        self.close(zygote, "the process to fork it from was given up", news);
    }

    /// Everybody who still waits for this zygote has his answer.
    fn close(&mut self, zygote: Zygote, reason: &str, news: &mut Vec<News>) {
        let (order, waiting) = zygote.ledger.close();
        if let Some(Order { slot, lane, reports: Some(reports), .. }) = order {
            news.push(News::Event(self.untold(slot, lane, reports, reason)));
        }
        let failed = |slot| News::Event(Event::SpawnFailed { slot, reason: reason.to_owned() });
        news.extend(waiting.into_iter().map(failed));
    }

    /// Whether this dead child was a zygote. What it stood for, or what waits for it, has its answer now.
    pub fn bury_zygote(&mut self, reaped: &Reaped, news: &mut Vec<News>) -> bool {
        let Reaped { pid, status, .. } = *reaped;
        let mut zygotes = self.zygotes.by_generation.iter();
        let found = zygotes.find(|(_, zygote)| zygote.process.pid == pid).map(|(generation, _)| *generation);
        let Some(generation) = found else { return false };
        self.hear_zygote(generation, news);
        let Some(zygote) = self.zygotes.by_generation.remove(&generation) else { return false };
        if zygote.ready {
            log::warn!(
                "The process that the workers of generation {generation} are forked from (pid:{pid}) {status}; the \
                 application is loaded anew when another worker is needed"
            );
            self.close(zygote, "the process to fork it from has ended", news);
        } else {
            news.push(News::Death(*reaped));
            self.close(zygote, "the process that was to load the application for it has ended", news);
        }
        true
    }

    /// No worker is needed from these any more.
    pub fn end_zygotes(&mut self, which: impl Fn(Generation) -> bool) {
        let all = std::mem::take(&mut self.zygotes.by_generation);
        let mut news = Vec::new();
        for (generation, zygote) in all {
            let ends = which(generation);
            if ends {
                // It holds nothing that would have to end well. It may be dead already.
                let _ = sys::signal::send(zygote.process.pid, Signal::KILL);
            }
            if ends && zygote.ready {
                self.close(zygote, "it is not wanted any more", &mut news);
            } else {
                // The death of one that is not ready is still to be told.
                self.zygotes.by_generation.insert(generation, zygote);
            }
        }
        self.later.extend(news);
    }
}
