//! One request: its place in the sweep, and how it ends. It is in flight until the last byte of its answer has left.

use super::streams::{Streams, lock};
use crate::sys::clock;
use crate::types::Mono;
use crate::worker::progress::{self, Progress};
use crate::worker::request::{End, Flight, Refusal};
use crate::worker::state::{ConnectionState, Moment, Wanted};
use http::{HeaderMap, StatusCode};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One request. It is over when nothing holds it any more: not the application's answer, and no byte of it on its way.
pub(super) struct Stream {
    streams: Arc<Streams>,
    number: u64,
    /// What it waits for, as a connection of HTTP/1 does.
    pub(super) state: ConnectionState,
    fate: Mutex<Fate>,
    waits: Mutex<Waits>,
    sent: AtomicU64,
    /// Bytes of the body that the application has given, and that wait to be sent.
    unsent: AtomicU64,
    is_answered: AtomicBool,
    is_complete: AtomicBool,
}

/// The waits for the client, in both directions.
#[derive(Default)]
struct Waits {
    reading: Progress,
    writing: Progress,
}

#[derive(Default)]
struct Fate {
    flight: Option<Flight>,
    /// Decided before it is over.
    end: Option<End>,
    /// To be answered instead of what the application has to say.
    refusal: Option<Refusal>,
}

impl Stream {
    /// One that has begun now.
    pub(super) fn new(streams: Arc<Streams>, number: u64, now: Mono) -> Self {
        let state = ConnectionState::new(-1, now);
        state.begins(now);
        Self {
            streams,
            number,
            state,
            fate: Mutex::default(),
            waits: Mutex::default(),
            sent: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            is_answered: AtomicBool::new(false),
            is_complete: AtomicBool::new(false),
        }
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        lock(&self.fate)
    }

    /// From now on it counts as in flight.
    pub(super) fn flies(&self, flight: Flight) {
        self.fate().flight = Some(flight);
    }

    pub(super) fn describe(&self) -> String {
        let connection = &self.streams.connection;
        let described = self.fate().flight.as_ref().map(|flight| flight.describe(connection));
        described.unwrap_or_else(|| format!("a request from {}", connection.peer()))
    }

    /// The head of the response is known.
    pub(super) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        self.is_answered.store(true, Relaxed);
        if let Some(flight) = self.fate().flight.as_mut() {
            flight.answered(status, headers);
        }
    }

    /// Puts the request's id into its response.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        if let Some(flight) = self.fate().flight.as_ref() {
            flight.sign(headers);
        }
    }

    /// It is answered by the server itself.
    pub(super) fn refused(&self, status: StatusCode) {
        self.is_answered.store(true, Relaxed);
        if let Some(flight) = self.fate().flight.as_mut() {
            flight.refused(status);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.is_answered.load(Relaxed)
    }

    /// The application has given all of its answer.
    pub(super) fn completes(&self) {
        self.is_complete.store(true, Relaxed);
    }

    /// Whether nothing is missing but a client that takes the end of the answer.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Relaxed)
    }

    /// The application has given so many bytes.
    pub(super) fn gives(&self, bytes: usize) {
        self.unsent.fetch_add(bytes as u64, Relaxed);
        self.change(|waits| waits.writing.waits(self.sent.load(Relaxed)));
    }

    /// So many of them are on their way.
    pub(super) fn sends(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes as u64, Relaxed);
        let total = self.sent.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        self.streams.sends(bytes);
        self.change(|waits| {
            if waits.writing.since().is_some() {
                waits.writing.waits(total);
            }
        });
    }

    /// There is room for more of the response: the application is asked for it.
    pub(super) fn asks(&self) {
        self.change(|waits| waits.writing.rests());
    }

    /// The application awaits more of the request's body, after so many bytes of it.
    pub(super) fn awaits(&self, taken: u64) {
        self.change(|waits| waits.reading.waits(taken));
    }

    /// It has got it, or wants no more: its own time does not count.
    pub(super) fn awaits_no_more(&self) {
        self.change(|waits| waits.reading.rests());
    }

    /// Shows the sweep what is waited for after a change of that.
    fn change(&self, change: impl FnOnce(&mut Waits)) {
        let mut waits = lock(&self.waits);
        change(&mut waits);
        if self.state.moment() != Moment::Upgraded {
            progress::show(&self.state, waits.writing.since(), waits.reading.since());
        }
    }

    /// So many bytes of the request have come.
    pub(super) fn takes(&self, bytes: usize) {
        self.streams.is_useful(bytes);
    }

    /// It will have ended so, unless that is decided already.
    pub(super) fn settle(&self, end: End) {
        self.fate().end.get_or_insert(end);
    }

    /// It is over for the application's part, now.
    pub(super) fn cut(&self, end: End) {
        self.settle(end);
        self.state.want(Wanted::Cut);
    }

    /// It is answered with a refusal, if it is not answered yet.
    pub(super) fn refuse(&self, refusal: Refusal) {
        if self.is_answered() {
            return self.cut(End::Failed);
        }
        self.fate().refusal.get_or_insert(refusal);
        self.state.want(Wanted::Look);
    }

    pub(super) fn take_refusal(&self) -> Option<Refusal> {
        self.fate().refusal.take()
    }

    /// The request was answered by making it a tunnel, which is the application's.
    pub(super) fn becomes_tunnel(&self) {
        self.completes();
        if let Some(flight) = self.fate().flight.take() {
            flight.end(End::Answered, 0);
        }
        self.state.waits(Moment::Upgraded, clock::now());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let fate = std::mem::take(self.fate.get_mut().unwrap_or_else(PoisonError::into_inner));
        let is_whole = *self.is_complete.get_mut() && *self.unsent.get_mut() == 0;
        let end = fate.end.unwrap_or(if is_whole { End::Answered } else { End::ClientGone });
        if let Some(flight) = fate.flight {
            flight.end(end, *self.sent.get_mut());
        }
        self.streams.leave(self.number, end);
    }
}
