//! A connection's facts for the application, and its state for the worker: where it is between two requests.

use crate::types::{Generation, Mono, SlotId};
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Arc, OnceLock};
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
    /// The application has a request.
    Busy,
    /// A response was handed over, and the next request is awaited.
    Idle,
}

/// What the worker wants of a connection's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Go on.
    Nothing,
    /// Close, unless a request has come meanwhile.
    CloseIfIdle,
    /// Close, whatever happens there.
    Cut,
}

/// Written by the connection's own task, read by the keep-alive sweep: single words, relaxed.
pub(super) struct ConnectionState {
    pub(super) fd: RawFd,
    moment: AtomicU8,
    since: AtomicU64,
    /// The client does not take what we have written; it is no idle client.
    pub(super) blocked: AtomicBool,
    /// Closing needs a farewell, because unread bytes may lie around (see `io`).
    pub(super) linger: AtomicBool,
    wanted: AtomicU8,
    waker: OnceLock<Waker>,
}

impl ConnectionState {
    pub(super) fn new(fd: RawFd, now: Mono) -> Self {
        Self {
            fd,
            moment: AtomicU8::new(Moment::Fresh as u8),
            since: AtomicU64::new(now.0),
            blocked: AtomicBool::new(false),
            linger: AtomicBool::new(false),
            wanted: AtomicU8::new(Wanted::Nothing as u8),
            waker: OnceLock::new(),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        match self.moment.load(Relaxed) {
            0 => Moment::Fresh,
            1 => Moment::Receiving,
            2 => Moment::Busy,
            _ => Moment::Idle,
        }
    }

    /// Since when it is Fresh or Idle. Unknown, and older, for the other two.
    pub(super) fn since(&self) -> Mono {
        Mono(self.since.load(Relaxed))
    }

    /// Bytes came.
    pub(super) fn received(&self) {
        // Until a request says otherwise: whatever came may be something that hyper refuses with an answer of its own.
        self.linger.store(true, Relaxed);
        if self.moment.load(Relaxed) != Moment::Busy as u8 {
            self.moment.store(Moment::Receiving as u8, Relaxed);
        }
    }

    pub(super) fn busy(&self, has_body: bool) {
        self.linger.store(has_body, Relaxed);
        self.moment.store(Moment::Busy as u8, Relaxed);
    }

    pub(super) fn idle(&self, now: Mono) {
        self.since.store(now.0, Relaxed);
        self.moment.store(Moment::Idle as u8, Relaxed);
    }

    /// Whether the last write could not be completed.
    pub(super) fn set_blocked(&self, blocked: bool) {
        if blocked != self.blocked.load(Relaxed) {
            self.blocked.store(blocked, Relaxed);
            if !blocked {
                // The client has taken its response only now.
                self.since.store(crate::sys::clock::now().0, Relaxed);
            }
        }
    }

    /// The task that owns the connection is the one to wake. A tokio task's waker never changes its target.
    pub(super) fn remember_waker(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.store(wanted as u8, Relaxed);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// What is wanted; a wish to close when idle is granted or refused at once, and so is forgotten.
    pub(super) fn take_wanted(&self) -> Wanted {
        match self.wanted.load(Relaxed) {
            0 => Wanted::Nothing,
            1 => {
                self.wanted.store(Wanted::Nothing as u8, Relaxed);
                Wanted::CloseIfIdle
            }
            _ => Wanted::Cut,
        }
    }
}
