//! Workers that are wanted from a zygote, and not wanted any more: what it is asked for, one at a time.

use super::Zygote;
use super::ledger::{CalledOff, Ledger, Order};
use super::letter::Letter;
use super::process;
use crate::arbiter::collect::News;
use crate::arbiter::shell::Shell;
use crate::supervisor::Event;
use crate::sys;
use crate::types::{Generation, Pid, Signal, SlotId};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// How long a zygote may take to fork.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

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
    pub(super) fn ask(&mut self, generation: Generation, news: &mut Vec<News>) {
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
}
