//! The connections that are open in this worker, in the order of their arrival.
//!
//! Touched when a connection opens and when it closes, never per request. The lock is this process's own and is never
//! held across anything that waits.

use super::connection::Connection;
use super::state::{ConnectionState, Wanted};
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The open connections.
#[derive(Default)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    /// The last connection is gone.
    pub(super) emptied: Notify,
    /// The first connection has come.
    pub(super) filled: Notify,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: BTreeMap<u64, Connection>,
}

/// A connection's place in the registry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, connection: Connection) -> Ticket {
        let mut inner = self.lock();
        let ticket = inner.next;
        inner.next += 1;
        if inner.open.is_empty() {
            self.filled.notify_one();
        }
        inner.open.insert(ticket, connection);
        Ticket(ticket)
    }

    pub(super) fn leave(&self, ticket: Ticket) {
        let mut inner = self.lock();
        let gone = inner.open.remove(&ticket.0);
        if inner.open.is_empty() {
            self.emptied.notify_one();
        }
        drop(inner);
        // Dropped outside the lock.
        drop(gone);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().open.is_empty()
    }

    pub(super) fn count(&self, which: impl Fn(&Connection) -> bool) -> usize {
        self.lock().open.values().filter(|connection| which(connection)).count()
    }

    /// The connections that `rank` ranks least; `most` of them, the least first.
    pub(super) fn least<R: Ord>(&self, most: usize, rank: impl Fn(&ConnectionState) -> Option<R>) -> Vec<Connection> {
        let inner = self.lock();
        // The greatest of the least on top.
        let mut least = BinaryHeap::with_capacity(most + 1);
        for (ticket, connection) in &inner.open {
            if let Some(rank) = rank(connection.state()) {
                least.push((rank, *ticket));
                if least.len() > most {
                    least.pop();
                }
            }
        }
        let tickets = least.into_sorted_vec();
        tickets.into_iter().filter_map(|(_, ticket)| inner.open.get(&ticket).cloned()).collect()
    }

    /// Tells each connection for which `judge` says so to do something.
    pub(super) fn tell(&self, mut judge: impl FnMut(&Connection) -> Wanted) {
        for connection in self.lock().open.values() {
            let wanted = judge(connection);
            if wanted != Wanted::Nothing {
                connection.state().want(wanted);
            }
        }
    }
}
