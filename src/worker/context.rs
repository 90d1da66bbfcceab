//! What every part of one worker shares. There is one per process and it is never freed, so it is borrowed for ever
//! and no request pays for a reference count.

use super::application::Spawn;
use super::http1::HeadLimits;
use super::patience::Limits;
use super::pause::Pause;
use super::registry::Registry;
use super::report::Reporter;
use super::tls::Tls;
use super::trust::Trust;
use crate::abi::{Orders, Report};
use crate::log::access::Access;
use crate::scoreboard::{Record, Scoreboard, State, Writer};
use crate::types::{Generation, Mono, SlotId};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
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

/// The end of the boot, for which main thread and sentinel compete: whoever is later obeys.
#[derive(Default)]
struct Stage(AtomicU8);

/// The application is not built yet: nothing would be lost by leaving.
const BOOTING: u8 = 0;
const SERVING: u8 = 1;
/// The sentinel is about to end the process.
const LEAVING: u8 = 2;

impl Stage {
    /// Whether the boot ended in this way, and by this call.
    fn end_boot(&self, how: u8) -> bool {
        self.0.compare_exchange(BOOTING, how, Relaxed, Relaxed).is_ok()
    }
}

pub(super) struct Worker {
    pub(super) slot: SlotId,
    pub(super) generation: Generation,
    pub(super) orders: Orders,
    pub(super) board: Scoreboard,
    pub(super) writer: Writer,
    pub(super) reporter: Reporter,
    pub(super) registry: Registry,
    /// What connections of a TLS listener begin with; none if there is no such listener.
    pub(super) tls: Option<Tls>,
    pub(super) trust: Trust,
    /// How long connections may wait for what.
    pub(super) limits: Limits,
    /// What a request's head may be.
    pub(super) head_limits: HeadLimits,
    /// The field with a request's id, if requests have one.
    pub(super) request_id: Option<HeaderName>,
    /// Fields of each response that has none of that name.
    pub(super) headers: HeaderMap,
    /// What the extensions of a request begin as.
    pub(super) room_for_facts: http::Extensions,
    /// Each connection has one request.
    pub(super) no_keepalive: bool,
    /// Told by the sentinel.
    pub(super) wish: watch::Sender<Wish>,
    /// The access log, if there is one.
    pub(super) access: OnceLock<&'static Access>,
    /// Who polls the tasks of connections; none: tokio.
    pub(super) spawn: OnceLock<Spawn>,
    stage: Stage,
    draining: AtomicBool,
    recycling: AtomicBool,
    /// One connection of ours is gone; for the acceptor.
    pub(super) room: Notify,
    /// The host wants no connections for the moment.
    pub(super) pause: Pause,
}

impl Worker {
    pub(super) fn new(
        slot: SlotId,
        generation: Generation,
        orders: Orders,
        board: Scoreboard,
        reporter: Reporter,
        tls: Option<Tls>,
        trust: Trust,
    ) -> Self {
        let writer = board.writer(slot, orders.threads <= 1);
        let limits = Limits::new(&orders);
        let requests = &orders.requests;
        let head_limits = HeadLimits::new(
            requests.limit_request_line,
            requests.limit_request_fields,
            requests.limit_request_field_size,
        );
        // The arbiter has looked at it: empty, or a name.
        let request_id = HeaderName::from_bytes(requests.request_id_header.as_bytes()).ok();
        let headers = requests.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        });
        let headers = HeaderMap::from_iter(headers);
        let no_keepalive = seconds(orders.keepalive).is_zero();
        Self {
            slot,
            generation,
            orders,
            board,
            writer,
            reporter,
            tls,
            trust,
            registry: Registry::default(),
            limits,
            head_limits,
            request_id,
            headers,
            room_for_facts: super::request::room_for_facts(),
            no_keepalive,
            wish: watch::Sender::new(Wish::Serve),
            access: OnceLock::new(),
            spawn: OnceLock::new(),
            stage: Stage::default(),
            draining: AtomicBool::new(false),
            recycling: AtomicBool::new(false),
            room: Notify::new(),
            pause: Pause::default(),
        }
    }

    /// The boot is over; from now on the worker leaves in order. Does not return if it was told to leave before.
    pub(super) fn begin_serving(&self) {
        if !self.stage.end_boot(SERVING) {
            loop {
                std::thread::park();
            }
        }
    }

    /// Whether the boot can be abandoned, and is: then the caller must end the process.
    pub(super) fn abandon_boot(&self) -> bool {
        self.stage.end_boot(LEAVING)
    }

    /// Gives a response the fields that every response shall have. Its own stay as they are.
    pub(super) fn dress(&self, response: &mut HeaderMap) {
        for name in self.headers.keys() {
            if !response.contains_key(name) {
                for value in self.headers.get_all(name) {
                    response.append(name.clone(), value.clone());
                }
            }
        }
    }

    pub(super) fn record(&self) -> Record {
        self.writer.record()
    }

    pub(super) fn grace(&self) -> Duration {
        seconds(self.orders.graceful_timeout)
    }

    /// The lines of the last requests are written, at most for `limit`.
    pub(super) fn close_access_log(&self, limit: Duration) {
        if let Some(log) = self.access.get()
            && !log.close(limit)
        {
            crate::log::warn!("Worker {} leaves before its access log is written", self.slot);
        }
    }

    /// Whether responses end their connections.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
        self.record().set_state(State::Draining);
    }

    /// Asks for a successor, once; `due`: work or age is the reason. The worker goes on serving until the arbiter retires
    /// it.
    pub(super) fn recycle(&self, due: bool, reason: impl FnOnce() -> String) {
        if !self.recycling.swap(true, Relaxed) {
            self.reporter.send(&Report::Recycle { reason: reason(), due });
        }
    }
}

/// A setting in seconds as a span; nonsense is no time at all.
pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_ends_in_one_way_only() {
        for _ in 0..200 {
            let stage = Stage::default();
            let winners = std::thread::scope(|scope| {
                let ways = [SERVING, LEAVING].map(|way| {
                    scope.spawn({
                        let stage = &stage;
                        move || stage.end_boot(way)
                    })
                });
                ways.map(|way| way.join().unwrap())
            });
            assert_eq!(winners.iter().filter(|won| **won).count(), 1);
        }
        let stage = Stage::default();
        assert!(stage.end_boot(LEAVING) && !stage.end_boot(SERVING) && !stage.end_boot(LEAVING));
    }
}
