//! Taking connections: when there is room, when it is this worker's turn, and from the lanes that are its to serve.
//!
//! A worker that leaves takes what waits in every socket that it holds, because it may be the last that holds it. What
//! there is no room for at that moment waits until there is, unless a peer is there to take it.

mod balance;
mod crowd;
mod door;
mod doors;
mod leave;

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
/// How often a worker looks whether the reload is done that has made a bind narrower, in its first so many looks; later,
/// as long as an operator takes to end the arbiter that this one upgrades, it looks as often as for lanes.
const DORMANT: Duration = Duration::from_millis(10);
const SOON: u32 = 3000;
/// How many connections in a row may be gone before they are accepted. More are no coincidence, but an error that we
/// take for one of a connection.
const MOST_PASSING: u32 = 100;

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
    /// A reload has made a bind narrower, and is not done.
    settling: bool,
    /// It is done: when the wide socket is closed.
    leaves_at: Option<Instant>,
}

/// What one look at the listeners came to.
enum Turn {
    Accepted(io::Result<Accepted>),
    Hold,
    Full,
    Paused,
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
        let mut acceptor = Self {
            worker,
            application,
            doors,
            lane,
            lanes,
            balance,
            crowd,
            in_trouble: false,
            passing: 0,
            settling: false,
            leaves_at: None,
        };
        acceptor.look_after_lanes()?;
        acceptor.settling = acceptor.doors.has_unopened() || acceptor.doors.has_leaving();
        Ok(acceptor)
    }

    /// Accepts until the wish is another than to serve.
    pub(super) async fn run(mut self, mut wish: watch::Receiver<Wish>) -> Self {
        let mut another_wish = pin!(async move { wish.wait_for(|wish| *wish != Wish::Serve).await.is_ok() });
        let mut look = tokio::time::interval(LANES);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut troubled = false;
        let (mut soon, mut looks) = (pin!(tokio::time::sleep(DORMANT)), 0);
        let mut left = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            tokio::select! {
                biased;
                _ = &mut another_wish => return self,
                _ = look.tick(), if !self.lanes.is_empty() => self.look_again(&mut troubled),
                () = &mut soon, if self.settling => {
                    looks += 1;
                    soon.as_mut().reset(Instant::now() + if looks < SOON { DORMANT } else { LANES });
                    if let Some(until) = self.look_whether_settled(&mut troubled) {
                        left.as_mut().reset(until);
                    }
                }
                () = &mut left, if self.leaves_at.is_some() => left.as_mut().reset(Instant::now() + self.let_go()),
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

    /// Opens what listens by now: the lanes that nobody else serves too; leaves those that got an owner.
    fn look_after_lanes(&mut self) -> io::Result<()> {
        let stale_after = heartbeat::stale_after(self.worker);
        let mine = self.worker.board.lanes_for(self.worker.slot, self.lane, &self.lanes, clock::now(), stale_after);
        let opened = self.doors.open(&mine);
        self.lanes = self.doors.lanes();
        opened
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
