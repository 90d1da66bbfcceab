//! Taking connections: when there is room, when it is this worker's turn, and from the lanes that are its to serve.

use super::application::Application;
use super::balance::{Balance, Peer, Verdict};
use super::context::{Wish, Worker};
use super::doors::{Accepted, Doors, is_passing};
use super::{heartbeat, serve};
use crate::scoreboard::Record;
use crate::sys::clock;
use crate::types::SlotId;
use hyper::server::conn::http1;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// How long a worker holds back before it looks again, if none of its own connections closes earlier.
const HOLD: Duration = Duration::from_millis(1);
/// How long accepting rests when the system has no descriptor to give.
const REST: Duration = Duration::from_millis(100);
/// Most connections that are taken out of the queue of a socket that is about to be closed.
const LAST_SWEEP: usize = 4096;

pub(super) struct Acceptor<S> {
    worker: &'static Worker,
    application: S,
    http: http1::Builder,
    doors: Doors,
    lane: u32,
    lanes: Vec<u32>,
    balance: Balance,
    /// Accepting fails, and that was logged.
    in_trouble: bool,
}

/// What one look at the listeners came to.
enum Turn {
    Accepted(io::Result<Accepted>),
    Hold,
    Full,
}

impl<S: Application> Acceptor<S> {
    /// Registers the listeners with the event loop.
    pub(super) fn new(worker: &'static Worker, application: S, doors: Doors, lane: u32) -> io::Result<Self> {
        let mut http = http1::Builder::new();
        http.keep_alive(!worker.keepalive().is_zero());
        let lanes = doors.lanes();
        let balance = Balance::default();
        let mut acceptor = Self { worker, application, http, doors, lane, lanes, balance, in_trouble: false };
        acceptor.look_after_lanes()?;
        Ok(acceptor)
    }

    /// Accepts until the wish is another than to serve.
    pub(super) async fn run(mut self, mut wish: watch::Receiver<Wish>) -> Self {
        let worker = self.worker;
        let mut another_wish = pin!(async move { wish.wait_for(|wish| *wish != Wish::Serve).await.is_ok() });
        loop {
            tokio::select! {
                biased;
                _ = &mut another_wish => return self,
                () = worker.lanes_tick.notified(), if !self.lanes.is_empty() => {
                    if let Err(error) = self.look_after_lanes() {
                        crate::log::error!("Worker {} cannot take over a lane: {error}", worker.slot);
                    }
                }
                () = self.turn() => {}
            }
        }
    }

    /// Opens the lanes that nobody else serves, and leaves those that got an owner.
    fn look_after_lanes(&mut self) -> io::Result<()> {
        let stale_after = heartbeat::stale_after(self.worker);
        let mine = self.worker.board.lanes_for(self.worker.slot, self.lane, &self.lanes, clock::now(), stale_after);
        self.doors.open(&mine)
    }

    async fn turn(&mut self) {
        match poll_fn(|cx| self.poll_turn(cx)).await {
            Turn::Accepted(Ok(accepted)) => {
                self.in_trouble = false;
                if self.worker.orders.balance {
                    self.balance.took_one(peers(self.worker));
                }
                self.serve(accepted);
            }
            Turn::Accepted(Err(error)) if is_passing(&error) => {}
            Turn::Accepted(Err(error)) => self.rest(&error).await,
            Turn::Hold => drop(tokio::time::timeout(HOLD, self.worker.room.notified()).await),
            Turn::Full => self.worker.room.notified().await,
        }
    }

    fn poll_turn(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Turn> {
        let own = self.worker.record().connections();
        if own as usize >= self.worker.orders.worker_connections {
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

    /// No descriptor, no memory, or something that we do not know: trying again at once would only burn the processor.
    async fn rest(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.in_trouble, true) {
            let open = self.worker.registry.len();
            crate::log::error!(
                "Worker {} cannot accept connections at the moment ({error}); {open} are open. It goes on trying.",
                self.worker.slot
            );
        }
        tokio::time::sleep(REST).await;
    }

    fn serve(&self, accepted: Accepted) {
        let Accepted { stream, peer, local } = accepted;
        serve::spawn(self.worker, &self.http, self.application.clone(), stream, peer, local);
    }

    /// Takes what waits in the queues, so that no client that was let in is sent away, and closes the sockets.
    pub(super) fn close(mut self) {
        let doors = std::mem::replace(&mut self.doors, Doors::none());
        let (taken, trouble) = doors.empty_and_close(LAST_SWEEP);
        if let Some(error) = trouble {
            crate::log::warn!("Worker {} could not empty its accept queue: {error}", self.worker.slot);
        }
        for accepted in taken {
            self.serve(accepted);
        }
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
