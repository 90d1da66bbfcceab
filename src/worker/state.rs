//! A connection's state, for the worker: what it waits for, since when, and what is wanted of it.
//!
//! Written by the connection's own task, read by the sweep (`patience`) and at the drain: single words, relaxed.

use crate::sys::{clock, fd, poll};
use crate::types::Mono;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Moment {
    /// A first sign of its client; what comes before HTTP (a proxy's header, a TLS handshake) is over.
    Fresh,
    /// What comes before HTTP.
    Greeting,
    /// The rest of a request's head.
    Receiving,
    /// The application.
    Busy,
    /// More of a request's body, which the application wants, or which is in the way of the next request.
    Body,
    /// The client, which takes a response too slowly.
    Writing,
    /// The next request, after a response.
    Idle,
    /// The client, to which we have said farewell (see `wire`).
    Parting,
    /// Its requests, each of which waits for something else (see `hyper`).
    Shared,
    /// Nothing that we know of: it belongs to the application.
    Upgraded,
}

impl Moment {
    fn from_word(word: u8) -> Self {
        const ALL: [Moment; 9] = [
            Moment::Fresh,
            Moment::Greeting,
            Moment::Receiving,
            Moment::Busy,
            Moment::Body,
            Moment::Writing,
            Moment::Idle,
            Moment::Parting,
            Moment::Shared,
        ];
        ALL.get(usize::from(word)).copied().unwrap_or(Self::Upgraded)
    }

    /// Whether the client would lose something if the connection were cut.
    pub(super) fn is_a_loss(self) -> bool {
        matches!(self, Self::Busy | Self::Body | Self::Writing | Self::Shared | Self::Upgraded)
    }
}

/// What the worker wants of a connection's task, in the order of insistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Wanted {
    /// Go on.
    Nothing,
    /// See whether you have waited too long.
    Look,
    /// Close, unless a request has come meanwhile.
    CloseIfIdle,
    /// Close, whatever happens there.
    Cut,
}

pub(super) struct ConnectionState {
    pub(super) fd: RawFd,
    moment: AtomicU8,
    since: AtomicU64,
    /// When the newest request began; zero: there was none.
    begun: AtomicU64,
    /// Closing needs a farewell, because unread bytes may lie around (see `wire`).
    linger: AtomicBool,
    wanted: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl ConnectionState {
    pub(super) fn new(fd: RawFd, now: Mono) -> Self {
        Self {
            fd,
            moment: AtomicU8::new(Moment::Fresh as u8),
            since: AtomicU64::new(now.0),
            begun: AtomicU64::new(0),
            linger: AtomicBool::new(false),
            wanted: AtomicU8::new(Wanted::Nothing as u8),
            waker: Mutex::new(None),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment::from_word(self.moment.load(Relaxed))
    }

    /// Since when it waits for that; for [`Moment::Busy`], since the newest request.
    pub(super) fn since(&self) -> Mono {
        Mono(self.since.load(Relaxed))
    }

    /// When the newest request began; zero: there was none yet.
    pub(super) fn begun(&self) -> Mono {
        Mono(self.begun.load(Relaxed))
    }

    /// It waits for this since `now`.
    pub(super) fn waits(&self, moment: Moment, now: Mono) {
        self.since.store(now.0, Relaxed);
        self.moment.store(moment as u8, Relaxed);
    }

    /// It waits for the application (again).
    pub(super) fn works(&self) {
        self.moment.store(Moment::Busy as u8, Relaxed);
    }

    /// A request is complete, but for its body.
    pub(super) fn begins(&self, now: Mono) {
        self.begun.store(now.0, Relaxed);
        self.waits(Moment::Busy, now);
    }

    /// We close it, and wait for the client to do so too.
    pub(super) fn parts(&self) {
        if self.moment() != Moment::Parting {
            self.since.store(clock::now().0, Relaxed);
        }
        self.moment.store(Moment::Parting as u8, Relaxed);
    }

    /// Whether closing needs a farewell.
    pub(super) fn set_linger(&self, linger: bool) {
        self.linger.store(linger, Relaxed);
    }

    pub(super) fn lingers(&self) -> bool {
        self.linger.load(Relaxed)
    }

    /// What the kernel knows, not what the event loop has heard: a request that is already here is answered.
    pub(super) fn has_unread_bytes(&self) -> bool {
        let Some(socket) = fd::borrow(self.fd) else { return false };
        poll::wait(&[socket], Some(Duration::ZERO)).is_ok_and(|readable| readable == [true])
    }

    /// Whether nothing that is sent reaches the client any more, as far as the kernel knows.
    pub(super) fn is_hung_up(&self) -> bool {
        fd::borrow(self.fd).is_none_or(poll::is_hung_up)
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task that owns the connection is the one to wake. A tokio task's waker never changes its target.
    pub(super) fn begin_task(&self, waker: &Waker) {
        *self.waker() = Some(waker.clone());
    }

    /// The task is over. If the socket is still open, the application has it; a waker would only keep the task's memory.
    pub(super) fn end_task(&self) {
        self.moment.store(Moment::Upgraded as u8, Relaxed);
        *self.waker() = None;
    }

    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.fetch_max(wanted as u8, Relaxed);
        self.wake();
    }

    /// There is something for the task to look at.
    pub(super) fn wake(&self) {
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
                1 => Wanted::Look,
                2 => Wanted::CloseIfIdle,
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
    use std::sync::Arc;

    fn state() -> ConnectionState {
        ConnectionState::new(-1, Mono(1))
    }

    #[test]
    fn the_strongest_wish_wins_and_a_cut_stays() {
        let state = state();
        state.want(Wanted::CloseIfIdle);
        state.want(Wanted::Look);
        assert_eq!(state.take_wanted(), Wanted::CloseIfIdle);
        assert_eq!(state.take_wanted(), Wanted::Nothing);
        state.want(Wanted::Cut);
        state.want(Wanted::CloseIfIdle);
        assert_eq!((state.take_wanted(), state.take_wanted()), (Wanted::Cut, Wanted::Cut));
    }

    #[test]
    fn a_moment_survives_its_word() {
        let state = state();
        for moment in
            [Moment::Greeting, Moment::Writing, Moment::Parting, Moment::Shared, Moment::Upgraded, Moment::Fresh]
        {
            state.waits(moment, Mono(5));
            assert_eq!((state.moment(), state.since()), (moment, Mono(5)));
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
