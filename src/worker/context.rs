//! What every part of one worker shares. There is one per process and it is never freed, so it is borrowed for ever
//! and no request pays for a reference count.

use super::registry::Registry;
use super::report::Reporter;
use crate::abi::{Orders, Report};
use crate::scoreboard::{Record, Scoreboard, State, Writer};
use crate::types::{Generation, Mono, SlotId};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What the worker shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Serve.
    Serve,
    /// Answer what was taken on, and cut what is left at this stamp.
    Drain {
        /// The stamp.
        until: Mono,
    },
    /// Leave now.
    Quit,
}

pub(super) struct Worker {
    pub(super) slot: SlotId,
    pub(super) generation: Generation,
    pub(super) orders: Orders,
    pub(super) board: Scoreboard,
    pub(super) writer: Writer,
    pub(super) reporter: Reporter,
    pub(super) registry: Registry,
    /// Told by the sentinel.
    pub(super) wish: watch::Sender<Wish>,
    /// The application is not built yet: nothing would be lost by leaving.
    pub(super) booting: AtomicBool,
    draining: AtomicBool,
    recycling: AtomicBool,
    /// One connection of ours is gone; for the acceptor.
    pub(super) room: Notify,
    /// The heart has beaten; the acceptor looks after orphaned lanes.
    pub(super) lanes_tick: Notify,
}

impl Worker {
    pub(super) fn new(
        slot: SlotId,
        generation: Generation,
        orders: Orders,
        board: Scoreboard,
        reporter: Reporter,
    ) -> Self {
        let writer = board.writer(slot, orders.threads <= 1);
        Self {
            slot,
            generation,
            orders,
            board,
            writer,
            reporter,
            registry: Registry::default(),
            wish: watch::Sender::new(Wish::Serve),
            booting: AtomicBool::new(true),
            draining: AtomicBool::new(false),
            recycling: AtomicBool::new(false),
            room: Notify::new(),
            lanes_tick: Notify::new(),
        }
    }

    pub(super) fn record(&self) -> Record {
        self.writer.record()
    }

    pub(super) fn keepalive(&self) -> Duration {
        seconds(self.orders.keepalive)
    }

    pub(super) fn grace(&self) -> Duration {
        seconds(self.orders.graceful_timeout)
    }

    /// Whether responses end their connections.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
        self.record().set_state(State::Draining);
    }

    /// Asks for a successor, once. The worker goes on serving until the arbiter retires it.
    pub(super) fn recycle(&self, reason: impl FnOnce() -> String) {
        if !self.recycling.swap(true, Relaxed) {
            self.reporter.send(&Report::Recycle { reason: reason() });
        }
    }
}

/// A setting in seconds as a span; nonsense is no time at all.
pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO)
}
