//! What zygotes say: that they have the application or cannot have it, that they have forked or could not. And the
//! workers that become known by it.

use super::answer;
use super::ledger::Order;
use crate::abi::Report;
use crate::arbiter::collect::{self, News};
use crate::arbiter::roster::Member;
use crate::arbiter::shell::Shell;
use crate::log;
use crate::supervisor::Event;
use crate::sys::{self, passing};
use crate::types::{Generation, Pid, Signal, SlotId};
use std::io;
use std::os::fd::OwnedFd;

impl Shell<'_> {
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

    pub(super) fn hear_zygote(&mut self, generation: Generation, news: &mut Vec<News>) {
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
    pub(super) fn untold(&mut self, slot: SlotId, lane: u32, reports: OwnedFd, reason: &str) -> Event {
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
}
