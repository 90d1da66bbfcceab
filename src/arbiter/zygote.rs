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
mod ask;
mod end;
mod hear;
mod ledger;
mod letter;
mod process;

use super::roster::Member;
use crate::sys::wait::Reaped;
use crate::types::{Generation, Mono, Pid, SlotId};
use ledger::Ledger;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

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

    /// Whether this process is one of them, and not reaped.
    pub fn has(&self, pid: Pid) -> bool {
        self.by_generation.values().any(|zygote| zygote.process.pid == pid)
    }

    /// Whose seat this process stands in, if it is a zygote that is done with loading: what is said to it is meant for
    /// the worker that it has not forked yet.
    fn stands_in(&self, pid: Pid) -> Option<SlotId> {
        let zygote = self.by_generation.values().find(|zygote| zygote.ready && zygote.process.pid == pid);
        zygote.map(|zygote| zygote.first)
    }
}
