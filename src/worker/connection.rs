//! A connection's facts for the application, and its state for the worker: where it is between two requests.

use crate::scoreboard::RequestSlot;
use crate::types::{Generation, Mono, SlotId};
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// The connection that a request came by; a request extension. Cheap to clone.
///
/// ```
/// use axum::Extension;
/// async fn whoami(Extension(connection): Extension<rustcorn::Connection>) -> String {
///     format!("{} at worker {}", connection.peer(), connection.slot())
/// }
/// ```
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of a TCP connection.
    Tcp(SocketAddr),
    /// Of a Unix connection; clients have no path as a rule.
    Unix(Option<PathBuf>),
}

impl Address {
    /// The address of a TCP connection.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
        }
    }
}

struct Inner {
    peer: Address,
    local: Address,
    slot: SlotId,
    generation: Generation,
    state: ConnectionState,
}

impl Connection {
    pub(super) fn new(
        peer: Address,
        local: Address,
        slot: SlotId,
        generation: Generation,
        state: ConnectionState,
    ) -> Self {
        Self(Arc::new(Inner { peer, local, slot, generation, state }))
    }

    /// The client's end.
    #[must_use]
    pub fn peer(&self) -> &Address {
        &self.0.peer
    }

    /// Our end.
    #[must_use]
    pub fn local(&self) -> &Address {
        &self.0.local
    }

    /// `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        "http"
    }

    /// The worker that serves it. Displayed counting from 1.
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.0.slot
    }

    /// The generation of that worker: how many loads of settings and application there were, this one included.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    pub(super) fn state(&self) -> &ConnectionState {
        &self.0.state
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.0.peer)
            .field("local", &self.0.local)
            .field("slot", &self.0.slot)
            .field("generation", &self.0.generation)
            .finish()
    }
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Accepted; not a byte came yet.
    Fresh,
    /// Bytes came, but no complete request.
    Receiving,
    /// The application has a request, or its answer is not sent completely.
    Busy,
    /// A response was sent, and the next request is awaited.
    Idle,
    /// We say farewell (see `io`).
    Parting,
    /// It belongs to the application.
    Upgraded,
}

/// What the worker wants of a connection's task, in the order of insistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Go on.
    Nothing,
    /// Close, unless a request has come meanwhile.
    CloseIfIdle,
    /// Close, unless the request whose head takes so long is complete meanwhile.
    CloseIfReceiving,
    /// Close, whatever happens there.
    Cut,
}

/// Written by the connection's own task, read by the keep-alive sweep: single words, relaxed.
pub(super) struct ConnectionState {
    pub(super) fd: RawFd,
    moment: AtomicU8,
    since: AtomicU64,
    /// When the newest request began; zero: there was none.
    begun: AtomicU64,
    has_body: AtomicBool,
    /// Bytes came that do not belong to the request that we are busy with.
    early: AtomicBool,
    /// The answer that was handed over and is not sent: `SENT`, or its status and its place in the table.
    unsent: AtomicU32,
    closed: AtomicBool,
    /// Closing needs a farewell, because unread bytes may lie around (see `io`).
    pub(super) linger: AtomicBool,
    wanted: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

/// Nothing is unsent.
const SENT: u32 = u32::MAX;

impl ConnectionState {
    pub(super) fn new(fd: RawFd, now: Mono) -> Self {
        Self {
            fd,
            moment: AtomicU8::new(Moment::Fresh as u8),
            since: AtomicU64::new(now.0),
            begun: AtomicU64::new(0),
            has_body: AtomicBool::new(false),
            early: AtomicBool::new(false),
            unsent: AtomicU32::new(SENT),
            closed: AtomicBool::new(false),
            linger: AtomicBool::new(false),
            wanted: AtomicU8::new(Wanted::Nothing as u8),
            waker: Mutex::new(None),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        match self.moment.load(Relaxed) {
            0 => Moment::Fresh,
            1 => Moment::Receiving,
            2 => Moment::Busy,
            3 => Moment::Idle,
            4 => Moment::Parting,
            _ => Moment::Upgraded,
        }
    }

    fn set_moment(&self, moment: Moment) {
        self.moment.store(moment as u8, Relaxed);
    }

    /// Since when it is Fresh or Idle. Unknown, and older, for the others.
    pub(super) fn since(&self) -> Mono {
        Mono(self.since.load(Relaxed))
    }

    /// When the newest request began; zero: there was none yet.
    pub(super) fn begun(&self) -> Mono {
        Mono(self.begun.load(Relaxed))
    }

    /// Bytes came.
    pub(super) fn received(&self) {
        // Until a request says otherwise: whatever came may be something that hyper refuses with an answer of its own.
        self.linger.store(true, Relaxed);
        match self.moment() {
            Moment::Fresh | Moment::Idle => self.set_moment(Moment::Receiving),
            // Of a request with a body we cannot tell which bytes are the body's.
            Moment::Busy if !self.has_body.load(Relaxed) => self.early.store(true, Relaxed),
            _ => {}
        }
    }

    /// A request is complete.
    pub(super) fn busy(&self, has_body: bool, now: Mono) {
        self.linger.store(has_body, Relaxed);
        self.has_body.store(has_body, Relaxed);
        self.early.store(false, Relaxed);
        self.begun.store(now.0, Relaxed);
        self.set_moment(Moment::Busy);
    }

    /// The request is over.
    pub(super) fn idle(&self, now: Mono) {
        self.since.store(now.0, Relaxed);
        self.set_moment(if self.early.load(Relaxed) { Moment::Receiving } else { Moment::Idle });
    }

    /// We close it, and wait for the client to do so too.
    pub(super) fn parting(&self) {
        self.set_moment(Moment::Parting);
    }

    /// The answer was handed to hyper, which has yet to send it.
    pub(super) fn hand_over(&self, slot: RequestSlot, status: u16) {
        self.unsent.store(u32::from(status) << 8 | u32::from(slot.code()), Relaxed);
    }

    /// The answer that was handed over, once.
    pub(super) fn take_unsent(&self) -> Option<(RequestSlot, u16)> {
        let unsent = self.unsent.load(Relaxed);
        if unsent == SENT {
            return None;
        }
        self.unsent.store(SENT, Relaxed);
        let [slot, status @ .., _] = unsent.to_le_bytes();
        Some((RequestSlot::from_code(slot), u16::from_le_bytes(status)))
    }

    /// The socket is closed.
    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    fn waker(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task that owns the connection is the one to wake. A tokio task's waker never changes its target.
    pub(super) fn begin_task(&self, waker: &Waker) {
        *self.waker() = Some(waker.clone());
    }

    /// The task is over. If the socket is still open, the application has it; a waker would only keep the task's memory.
    pub(super) fn end_task(&self) {
        self.set_moment(Moment::Upgraded);
        *self.waker() = None;
    }

    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.fetch_max(wanted as u8, Relaxed);
        if let Some(waker) = &*self.waker() {
            waker.wake_by_ref();
        }
    }

    /// What is wanted; a wish with a condition is granted or refused at once, and so is forgotten.
    pub(super) fn take_wanted(&self) -> Wanted {
        let mut wanted = self.wanted.load(Relaxed);
        loop {
            let conditional = match wanted {
                0 => return Wanted::Nothing,
                1 => Wanted::CloseIfIdle,
                2 => Wanted::CloseIfReceiving,
                _ => return Wanted::Cut,
            };
            // A stronger wish may come at this moment, and must not be forgotten with the weaker.
            match self.wanted.compare_exchange(wanted, Wanted::Nothing as u8, Relaxed, Relaxed) {
                Ok(_) => return conditional,
                Err(newer) => wanted = newer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ConnectionState {
        ConnectionState::new(-1, Mono(1))
    }

    #[test]
    fn the_strongest_wish_wins_and_a_cut_stays() {
        let state = state();
        state.want(Wanted::CloseIfReceiving);
        state.want(Wanted::CloseIfIdle);
        assert_eq!(state.take_wanted(), Wanted::CloseIfReceiving);
        assert_eq!(state.take_wanted(), Wanted::Nothing);
        state.want(Wanted::Cut);
        state.want(Wanted::CloseIfIdle);
        assert_eq!((state.take_wanted(), state.take_wanted()), (Wanted::Cut, Wanted::Cut));
    }

    #[test]
    fn an_unsent_answer_is_taken_once_and_whole() {
        let state = state();
        assert!(state.take_unsent().is_none());
        for code in [0, 15, u8::MAX] {
            state.hand_over(RequestSlot::from_code(code), 599);
            let (slot, status) = state.take_unsent().unwrap();
            assert_eq!((slot.code(), status), (code, 599));
            assert!(state.take_unsent().is_none());
        }
    }

    #[test]
    fn bytes_of_the_next_request_make_no_idle_connection() {
        let state = state();
        for (has_body, after) in [(false, Moment::Receiving), (true, Moment::Idle)] {
            state.busy(has_body, Mono(2));
            state.received();
            assert_eq!(state.moment(), Moment::Busy);
            state.idle(Mono(3));
            assert_eq!(state.moment(), after);
        }
    }

    #[test]
    fn a_finished_task_is_not_kept_by_its_waker() {
        struct Counted;
        impl std::task::Wake for Counted {
            fn wake(self: Arc<Self>) {}
        }
        let state = state();
        let task = Arc::new(Counted);
        state.begin_task(&task.clone().into());
        assert_eq!(Arc::strong_count(&task), 2);
        state.end_task();
        assert_eq!(Arc::strong_count(&task), 1);
    }
}
