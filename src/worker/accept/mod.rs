//! Taking connections: when there is room, when it is this worker's turn, and from the lanes that are its to serve.
//!
//! A worker that leaves takes what waits in every socket that it holds, because it may be the last that holds it. What
//! there is no room for at that moment waits until there is, unless a peer is there to take it.

mod balance;
mod crowd;
mod door;
mod doors;

use super::application::Application;
use super::context::{Wish, Worker};
use super::{heartbeat, serve};
use crate::scoreboard::Record;
use crate::sys::accepting::concerns_one_connection;
use crate::sys::{clock, stats};
use crate::types::SlotId;
use balance::{Balance, Peer, Verdict};
use crowd::Crowd;
use door::Accepted;
pub(super) use doors::Doors;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

/// How long a worker holds back before it looks again, if none of its own connections closes earlier.
const HOLD: Duration = Duration::from_millis(1);
/// How long accepting rests when the system has no descriptor to give.
const REST: Duration = Duration::from_millis(100);
/// How often a worker looks whether a lane has lost its owner, or has found one.
const LANES: Duration = Duration::from_millis(100);
/// How often a worker looks whether the reload is done that has made a bind narrower.
const DORMANT: Duration = Duration::from_millis(10);
/// How long the wide socket is accepted from then: as long as a handshake takes of which one packet is lost.
const LEAVING: Duration = Duration::from_secs(2);
/// How many connections in a row may be gone before they are accepted. More are no coincidence, but an error that we
/// take for one of a connection.
const MOST_PASSING: u32 = 100;
/// How many connections of the last sweep are taken before the event loop turns.
const PIECE: usize = 64;
/// How many a leaving worker takes from peers that could take them too.
const FROM_PEERS: usize = 4096;

pub(super) struct Acceptor<S> {
    worker: &'static Worker,
    application: S,
    doors: Doors,
    lane: u32,
    lanes: Vec<u32>,
    balance: Balance,
    /// Who makes room for others.
    crowd: Crowd,
    /// Accepting fails, and that was logged.
    in_trouble: bool,
    /// Connections in a row that were gone when they were accepted.
    passing: u32,
}

/// What one look at the listeners came to.
enum Turn {
    Accepted(io::Result<Accepted>),
    Hold,
    Full,
    Paused,
}

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
    /// Registers the listeners with the event loop.
    pub(super) fn new(worker: &'static Worker, application: S, doors: Doors, lane: u32) -> io::Result<Self> {
        if let Err(error) = stats::raise_max_fds() {
            crate::log::debug!("The limit of descriptors stays as low as it is: {error}");
        }
        let lanes = doors.lanes();
        let balance = Balance::default();
        let crowd = Crowd::default();
        let mut acceptor =
            Self { worker, application, doors, lane, lanes, balance, crowd, in_trouble: false, passing: 0 };
        acceptor.look_after_lanes()?;
        Ok(acceptor)
    }

    /// Accepts until the wish is another than to serve.
    pub(super) async fn run(mut self, mut wish: watch::Receiver<Wish>) -> Self {
        let mut another_wish = pin!(async move { wish.wait_for(|wish| *wish != Wish::Serve).await.is_ok() });
        let mut look = tokio::time::interval(LANES);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut troubled = false;
        let mut soon = tokio::time::interval(DORMANT);
        soon.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = pin!(tokio::time::sleep(LEAVING));
        loop {
            let has_dormant = self.doors.has_dormant();
            tokio::select! {
                biased;
                _ = &mut another_wish => return self,
                _ = look.tick(), if !self.lanes.is_empty() => self.look_again(&mut troubled),
                _ = soon.tick(), if has_dormant => {
                    self.look_again(&mut troubled);
                    left.as_mut().reset(Instant::now() + LEAVING);
                }
                () = &mut left, if !has_dormant && self.doors.has_leaving() => {
                    let rest = self.let_go();
                    left.as_mut().reset(Instant::now() + rest);
                }
                () = self.turn() => {}
            }
        }
    }

    fn look_again(&mut self, troubled: &mut bool) {
        let answer = self.look_after_lanes();
        let news = std::mem::replace(troubled, answer.is_err()) != answer.is_err();
        if let (Err(error), true) = (answer, news) {
            crate::log::error!("Worker {} cannot take over a socket: {error}", self.worker.slot);
        }
    }

    /// Takes a piece of what waits in sockets that are in no bind any more, and closes them when there is nothing left:
    /// whoever has got in is served, even beyond `worker_connections`. The result is when to go on.
    fn let_go(&mut self) -> Duration {
        if let Err(error) = self.doors.shut_leaving() {
            crate::log::error!("Worker {} has lost a listening socket: {error}", self.worker.slot);
        }
        for _ in 0..PIECE {
            match self.doors.take_leaving() {
                Ok(accepted) => self.serve(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.doors.close_leaving();
                    self.lanes = self.doors.lanes();
                    return Duration::ZERO;
                }
                Err(error) if self.is_passing(&error) => {}
                Err(error) => {
                    self.complain(&error);
                    return REST;
                }
            }
        }
        Duration::ZERO
    }

    /// Opens what listens by now: the lanes that nobody else serves too; leaves those that got an owner.
    fn look_after_lanes(&mut self) -> io::Result<()> {
        let stale_after = heartbeat::stale_after(self.worker);
        let mine = self.worker.board.lanes_for(self.worker.slot, self.lane, &self.lanes, clock::now(), stale_after);
        self.doors.open(&mine)
    }

    async fn turn(&mut self) {
        match poll_fn(|cx| self.poll_turn(cx)).await {
            Turn::Accepted(Ok(accepted)) => {
                self.in_trouble = false;
                self.passing = 0;
                if self.worker.orders.balance {
                    self.balance.took_one(peers(self.worker));
                }
                self.serve(accepted);
                if self.open() > self.most() {
                    self.crowd.make_room(self.worker);
                    // Whoever has to leave does so before the next look.
                    tokio::task::yield_now().await;
                }
            }
            Turn::Accepted(Err(error)) if self.is_passing(&error) => {}
            Turn::Accepted(Err(error)) => self.rest(&error).await,
            Turn::Paused => self.worker.pause.over().await,
            Turn::Hold => drop(tokio::time::timeout(HOLD, self.worker.room.notified()).await),
            Turn::Full => {
                if self.open() > self.most() {
                    // Who was asked to make room was not idle any more.
                    self.crowd.make_room(self.worker);
                }
                // Nobody says when a connection becomes idle.
                drop(tokio::time::timeout(REST, self.worker.room.notified()).await);
            }
        }
    }

    /// Whether the next connection may be asked for at once.
    fn is_passing(&mut self, error: &io::Error) -> bool {
        self.passing += 1;
        let passing = concerns_one_connection(error) && self.passing < MOST_PASSING;
        if !passing {
            self.passing = 0;
        }
        passing
    }

    fn poll_turn(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Turn> {
        if self.worker.pause.is_on() {
            return Poll::Ready(Turn::Paused);
        }
        let own = self.worker.record().connections();
        // One beyond the limit is taken if somebody idle makes room for it, which that one does at once.
        let is_full = self.is_full();
        if is_full && (self.open() > self.most() || !self.has_idle()) {
            return Poll::Ready(Turn::Full);
        }
        if self.worker.orders.balance && self.balance.judge(own, peers(self.worker)) == Verdict::Hold {
            return Poll::Ready(Turn::Hold);
        }
        let answer = self.doors.poll_accept(cx);
        if answer.is_pending() {
            self.balance.found_nothing();
        }
        answer.map(Turn::Accepted)
    }

    fn open(&self) -> usize {
        self.worker.record().connections() as usize
    }

    fn most(&self) -> usize {
        self.worker.orders.worker_connections
    }

    fn is_full(&self) -> bool {
        self.open() >= self.most()
    }

    /// Whether an idle connection could make room for somebody who waits.
    fn has_idle(&mut self) -> bool {
        self.crowd.knows_one() || self.crowd.look(self.worker)
    }

    /// No descriptor, no memory, or something that we do not know: trying again at once would only burn the processor.
    async fn rest(&mut self, error: &io::Error) {
        self.complain(error);
        tokio::time::sleep(REST).await;
    }

    fn complain(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.in_trouble, true) {
            let open = self.worker.registry.len();
            crate::log::error!(
                "Worker {} cannot accept connections at the moment ({error}); {open} are open. It goes on trying.",
                self.worker.slot
            );
        }
    }

    fn serve(&self, accepted: Accepted) {
        let Accepted { stream, peer, local, tls } = accepted;
        serve::spawn(self.worker, self.application.clone(), stream, peer, local, tls);
    }

    /// Takes what waits in the queues, so that no client that was let in is sent away, and closes the sockets. It may
    /// take until there is room for the last one; whoever waits for this decides how long.
    pub(super) async fn finish(mut self) {
        if let Err(error) = self.doors.shut() {
            crate::log::error!("Worker {} has lost a listening socket: {error}", self.worker.slot);
        }
        let mut taken = 0;
        loop {
            match self.sweep(&mut taken) {
                Swept::All => return,
                Swept::Some if taken < FROM_PEERS || !self.has_live_peers() => tokio::task::yield_now().await,
                Swept::Full if !self.has_live_peers() => {
                    if self.is_full() {
                        self.crowd.make_room(self.worker);
                    }
                    // Descriptors may be given back by others than our connections.
                    drop(tokio::time::timeout(REST, self.worker.room.notified()).await);
                }
                Swept::Some | Swept::Full => return,
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

/// The live peers as the balance rule sees them.
fn peers(worker: &Worker) -> impl Iterator<Item = Peer> + Clone + use<> {
    let view = |(slot, record): (SlotId, Record)| Peer {
        slot,
        connections: record.connections(),
        sign: (record.accepted(), record.heartbeat()),
    };
    worker.board.live_peers(worker.slot, clock::now(), heartbeat::stale_after(worker)).map(view)
}
