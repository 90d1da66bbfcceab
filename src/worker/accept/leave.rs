//! Leaving sockets: those that a reload has replaced by narrower ones, and all of them in the end.

use super::{Acceptor, DORMANT, REST};
use crate::scoreboard::LEAVING;
use crate::sys::clock;
use crate::worker::application::Application;
use crate::worker::heartbeat;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// How many connections of the last sweep are taken before the event loop turns.
const PIECE: usize = 64;
/// How many a leaving worker takes from peers that could take them too.
const FROM_PEERS: usize = 4096;

/// What one piece of the last sweep came to.
enum Swept {
    /// Nobody waits.
    All,
    /// Somebody may wait, and the next piece can begin.
    Some,
    /// Somebody may wait, and there is no room.
    Full,
}

impl<S: Application> Acceptor<S> {
    /// Opens what listens by now. Whether the reload is done and this worker accepts from what it is to accept from; until
    /// when from the rest, too.
    pub(super) fn look_whether_settled(&mut self, troubled: &mut bool) -> Option<Instant> {
        if self.doors.has_unopened() {
            self.look_again(troubled);
        }
        if self.doors.has_unopened() || !self.worker.board.is_settled(self.worker.generation) {
            return None;
        }
        self.settling = false;
        self.leaves_at = Some(Instant::now() + LEAVING).filter(|_| self.doors.has_leaving());
        self.leaves_at
    }

    /// Takes who waits in sockets that are in no bind any more, until the arbiter ends them: it sees when nobody does. The
    /// result is when to look again.
    pub(super) fn let_go(&mut self) -> Duration {
        if let Some(rest) = self.take_leaving() {
            return rest;
        }
        self.doors.forget_ended();
        self.doors.close_passed();
        self.lanes = self.doors.lanes();
        if self.doors.has_leaving() {
            return DORMANT;
        }
        self.leaves_at = None;
        Duration::ZERO
    }

    /// Takes a piece of what waits in sockets that are in no bind any more: whoever has got in is served, even beyond
    /// `worker_connections`. The result is when to go on; none: nobody waits.
    fn take_leaving(&mut self) -> Option<Duration> {
        if let Err(error) = self.doors.shut_leaving() {
            crate::log::error!("Worker {} has lost a listening socket: {error}", self.worker.slot);
        }
        for _ in 0..PIECE {
            match self.doors.take_leaving() {
                Ok(accepted) => self.serve(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if self.is_passing(&error) => {}
                // What accept says without a descriptor, it says with an empty queue too.
                Err(_) if !self.doors.somebody_waits_in_leaving() => return None,
                Err(error) => {
                    self.complain(&error);
                    return Some(REST);
                }
            }
        }
        Some(Duration::ZERO)
    }

    /// Takes what waits in the queues, so that no client that was let in is sent away, and closes the sockets. It may
    /// take until there is room for the last one; whoever waits for this decides how long.
    pub(in crate::worker) async fn finish(mut self) {
        if let Err(error) = self.doors.shut() {
            crate::log::error!("Worker {} has lost a listening socket: {error}", self.worker.slot);
        }
        let mut taken = 0;
        loop {
            match self.sweep(&mut taken) {
                Swept::All => break,
                Swept::Some if taken < FROM_PEERS || !self.has_live_peers() => tokio::task::yield_now().await,
                Swept::Full if !self.has_live_peers() => {
                    if self.is_full() {
                        self.crowd.make_room(self.worker);
                    }
                    // Descriptors may be given back by others than our connections.
                    drop(tokio::time::timeout(REST, self.worker.room.notified()).await);
                }
                Swept::Some | Swept::Full => break,
            }
        }
        // Whoever comes after this worker may not have what it was about to leave.
        let is_about_to = self.settling && self.worker.board.is_settled(self.worker.generation);
        let soon = (is_about_to && self.doors.has_leaving()).then(|| Instant::now() + LEAVING);
        let Some(until) = self.leaves_at.or(soon) else { return };
        self.doors.keep_leaving();
        loop {
            match self.take_leaving() {
                Some(rest) => tokio::time::sleep(rest).await,
                None if Instant::now() < until => tokio::time::sleep(DORMANT).await,
                None => return,
            }
        }
    }

    fn sweep(&mut self, taken: &mut usize) -> Swept {
        for _ in 0..PIECE {
            if self.is_full() {
                return if self.doors.somebody_waits() { Swept::Full } else { Swept::All };
            }
            match self.doors.take() {
                Ok(accepted) => {
                    *taken += 1;
                    self.in_trouble = false;
                    self.passing = 0;
                    self.serve(accepted);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Swept::All,
                Err(error) if self.is_passing(&error) => {}
                // What accept says without a descriptor, it says with an empty queue too.
                Err(_) if !self.doors.somebody_waits() => return Swept::All,
                Err(error) => {
                    self.complain(&error);
                    return Swept::Full;
                }
            }
        }
        Swept::Some
    }

    /// Whether anybody else takes connections from now on. Of several workers that leave at once, the last one to say
    /// so on the scoreboard sees that it is the last, and stays.
    fn has_live_peers(&self) -> bool {
        let stale_after = heartbeat::stale_after(self.worker);
        self.worker.board.live_peers(self.worker.slot, clock::now(), stale_after).next().is_some()
    }
}
