//! The requests of one connection, and the balance of what its client did, by which an attack is told from a client.
//! What is known of each request: `stream`.

use super::stream::Stream;
use crate::sys::clock;
use crate::types::Mono;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::progress::Progress;
use crate::worker::request::End;
use crate::worker::state::{Moment, Wanted};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

/// What each request may add to the bytes of a connection without being called useful: a head, twice over.
const HEAD: u64 = 16 << 10;
/// So many bytes may be useless, whatever the client does.
const USELESS: u64 = 1 << 20;
/// And of the rest, all but one in so many. A request is worth the window of its body too: what a client sends before it
/// hears that nobody wants it is no attack.
const SHARE: u64 = 8;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The open requests of a connection.
pub(super) struct Streams {
    pub(super) worker: &'static Worker,
    pub(super) connection: Connection,
    open: Mutex<BTreeMap<u64, Weak<Stream>>>,
    /// Requests so far.
    served: AtomicU64,
    /// Those that the client has cancelled.
    cancelled: AtomicU64,
    /// Bytes from the client.
    received: AtomicU64,
    /// Bytes of bodies, in both directions.
    useful: AtomicU64,
    /// Bytes of bodies that were sent, and how that goes on.
    sent: AtomicU64,
    writing: Mutex<Progress>,
    /// The socket takes nothing more at the moment.
    is_blocked: AtomicBool,
}

impl Streams {
    pub(super) fn new(worker: &'static Worker, connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            worker,
            connection,
            open: Mutex::default(),
            served: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            received: AtomicU64::new(0),
            useful: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            writing: Mutex::default(),
            is_blocked: AtomicBool::new(false),
        })
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Stream>>> {
        lock(&self.open)
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>, now: Mono) -> Arc<Stream> {
        let number = self.served.fetch_add(1, Relaxed);
        let stream = Arc::new(Stream::new(self.clone(), number, now));
        self.open().insert(number, Arc::downgrade(&stream));
        self.connection.state().waits(Moment::Shared, now);
        stream
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().is_empty()
    }

    /// What the last attempt to write came to.
    pub(super) fn wrote<T>(&self, poll: Poll<T>) -> Poll<T> {
        self.is_blocked.store(poll.is_pending(), Relaxed);
        poll
    }

    /// Whether no request is open, and nothing of an answer waits here either.
    pub(super) fn has_sent_all(&self) -> bool {
        self.is_empty() && !self.is_blocked.load(Relaxed)
    }

    /// How many requests there were.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    /// Those that are open, to be looked at without holding them up.
    pub(super) fn all(&self) -> Vec<Arc<Stream>> {
        // One that goes at this moment leaves by itself, and needs the lock for it.
        self.open().values().filter_map(Weak::upgrade).collect()
    }

    /// The client has sent so many bytes.
    pub(super) fn hears(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
    }

    /// Whether nearly all that the client sends is of no use.
    pub(super) fn hears_nonsense(&self) -> bool {
        let received = self.received.load(Relaxed);
        let worth = HEAD + u64::from(self.worker.orders.http2.initial_window_size) / SHARE;
        let useful = self.useful.load(Relaxed) + self.served().saturating_mul(worth);
        received / SHARE > useful.saturating_add(USELESS / SHARE)
    }

    /// Bytes of a body came or went.
    pub(super) fn is_useful(&self, bytes: usize) {
        self.useful.fetch_add(bytes as u64, Relaxed);
    }

    /// So many bytes of bodies went.
    pub(super) fn sends(&self, bytes: usize) {
        self.is_useful(bytes);
        let total = self.sent.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        lock(&self.writing).waits(total);
    }

    /// Since when none of the responses goes on.
    pub(super) fn stands_still_since(&self) -> Option<Mono> {
        lock(&self.writing).since()
    }

    /// Whether the client asks only to cancel (CVE-2023-44487).
    pub(super) fn is_reset_too_often(&self) -> bool {
        let cancelled = self.cancelled.load(Relaxed);
        let answered = self.served().saturating_sub(cancelled);
        cancelled > answered.saturating_add(u64::from(self.worker.orders.http2.reset_limit))
    }

    /// A request is over.
    pub(super) fn leave(&self, number: u64, end: End) {
        if end == End::ClientGone {
            self.cancelled.fetch_add(1, Relaxed);
        }
        let mut open = self.open();
        open.remove(&number);
        if open.is_empty() {
            self.connection.state().waits(Moment::Idle, clock::now());
        }
        let is_last = open.is_empty();
        drop(open);
        // The connection may have waited for just that, and be told by nobody else.
        if is_last && self.worker.is_draining() || self.is_reset_too_often() {
            self.connection.state().want(Wanted::Look);
        }
    }
}
