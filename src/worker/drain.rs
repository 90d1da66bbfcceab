//! The worker's end: what it holds is answered within the grace, and what is left is cut and named.
//!
//! A draining worker adds `Connection: close` to each response (`service`), and leaves an idle connection open until
//! its keep-alive time ends (`keepalive`), or the grace does: closing it at once is the race in which a client's next
//! request meets a reset. HTTP/2 has no such race: a connection gets GOAWAY at once and ends with its last request. A
//! WebSocket gets a close frame at once, and ends when its client has answered (`hyper::line`). The application's
//! shutdown hook has its time inside the grace.

use super::accept::Acceptor;
use super::application::{Application, ShutdownHook};
use super::connection::Connection;
use super::context::{Wish, Worker};
use super::sentinel::grace_left;
use super::state::{Moment, Wanted};
use crate::sys::clock;
use crate::types::Mono;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

/// What is kept of the grace for the application's shutdown hook (of a short grace, half).
const HOOK: Duration = Duration::from_secs(1);
/// What the hook has even if nothing is left: less than what the arbiter waits beyond the grace.
const HOOK_AT_LEAST: Duration = Duration::from_millis(250);
/// What it has on a quick stop.
const HOOK_QUICK: Duration = Duration::from_millis(500);
/// How long before the cut idle connections are closed, whatever their keep-alive time (of a short grace, half).
const IDLE: Duration = Duration::from_secs(1);
/// How often that is looked after.
const AGAIN: Duration = Duration::from_millis(50);
/// How long connections that were cut may take to notice.
const CUT_AT_MOST: Duration = Duration::from_millis(100);

/// When the requests of a worker that leaves in order are cut.
static CUT_AT: AtomicU64 = AtomicU64::new(0);

/// What is left of the time in which requests of a worker that leaves may be answered: none, once they were cut.
#[must_use]
pub fn requests_left() -> Duration {
    grace_left().map_or(Duration::ZERO, |_| Mono(CUT_AT.load(Relaxed)).since(clock::now()))
}

/// What the application's shutdown hook has from now on.
#[must_use]
pub fn hook_left() -> Duration {
    grace_left().map_or(HOOK_QUICK, |left| left.max(HOOK_AT_LEAST))
}

/// Ends the worker in the way that is wished, and returns when nothing is left to do.
pub(super) async fn leave<S: Application>(worker: &'static Worker, acceptor: Acceptor<S>, hook: Option<ShutdownHook>) {
    worker.start_draining();
    // HTTP/2 connections and WebSockets have something to say about it at once.
    worker.registry.tell(|_| Wanted::Look);
    let mut wish = worker.wish.subscribe();
    let first = *wish.borrow_and_update();
    let drained = match first {
        Wish::Drain { until } => {
            let times = Times::new(clock::now(), until, hook.is_some());
            CUT_AT.store(times.cut.0, Relaxed);
            tokio::select! {
                biased;
                _ = wish.wait_for(|wish| *wish == Wish::Quit) => false,
                () = finish(worker, acceptor, times) => true,
            }
        }
        // Nobody can un-wish; a drain without a wish would be a quick stop.
        Wish::Quit | Wish::Serve => {
            drop(acceptor);
            false
        }
    };
    if !drained {
        cut(worker, "on a quick stop").await;
    }
    let Some(hook) = hook else { return };
    let left = hook_left();
    tokio::select! {
        biased;
        result = tokio::time::timeout(left, run(hook)) => if result.is_err() {
            crate::log::warn!(
                "The application's shutdown hook has not ended within {:.1} s and is abandoned",
                left.as_secs_f64()
            );
        },
        // Asked to hurry while the hook runs.
        () = hurried(worker), if drained => {}
    }
}

/// Runs the hook. One that panics is over: the worker leaves in order all the same.
async fn run(hook: ShutdownHook) {
    let complete = match catch_unwind(AssertUnwindSafe(hook)) {
        Err(_payload) => false,
        Ok(mut future) => {
            std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(poll) => poll.map(|()| true),
                Err(_payload) => Poll::Ready(false),
            })
            .await
        }
    };
    if !complete {
        crate::log::error!("The panic was in the application's shutdown hook");
    }
}

async fn hurried(worker: &Worker) {
    let mut wish = worker.wish.subscribe();
    if wish.wait_for(|wish| *wish == Wish::Quit).await.is_ok() {
        tokio::time::sleep(HOOK_QUICK).await;
    }
}

/// How the grace is spent.
#[derive(Debug, PartialEq, Eq)]
struct Times {
    /// Idle connections have no keep-alive time any more.
    idle: Mono,
    /// What is left is cut.
    cut: Mono,
    /// From the beginning to the cut.
    requests: Duration,
    /// From the cut to the end.
    hook: Duration,
}

impl Times {
    fn new(now: Mono, until: Mono, has_hook: bool) -> Self {
        let all = until.since(now);
        let hook = if has_hook { HOOK.min(all / 2) } else { Duration::ZERO };
        let requests = all - hook;
        Self { idle: now.after(requests - IDLE.min(requests / 2)), cut: now.after(requests), requests, hook }
    }

    /// When the cut is, in words.
    fn when(&self, grace: Duration) -> String {
        let whole = format!("the graceful timeout of {:.0} s", grace.as_secs_f64());
        if self.hook.is_zero() {
            return format!("after {whole}");
        }
        format!("after {:.1} s of {whole} (the rest is for the application's own end)", self.requests.as_secs_f64())
    }
}

/// Waits until the last connection is gone, and cuts what is left when the time has come.
async fn finish<S: Application>(worker: &'static Worker, acceptor: Acceptor<S>, times: Times) {
    let mut emptied = pin!(async {
        acceptor.finish().await;
        gone(worker).await;
    });
    if tokio::time::timeout(times.idle.since(clock::now()), &mut emptied).await.is_ok() {
        return;
    }
    loop {
        // Again and again, for those that become idle only now.
        worker.registry.tell(|connection| match connection.state().moment() {
            Moment::Fresh | Moment::Idle => Wanted::CloseIfIdle,
            _ => Wanted::Nothing,
        });
        let left = times.cut.since(clock::now());
        if tokio::time::timeout(left.min(AGAIN), &mut emptied).await.is_ok() {
            return;
        }
        if clock::now() >= times.cut {
            break;
        }
    }
    cut(worker, &times.when(worker.grace())).await;
}

async fn gone(worker: &Worker) {
    while !worker.registry.is_empty() {
        worker.registry.emptied.notified().await;
    }
}

/// Whether its client loses something when it is cut. Who has an idle connection has all its answers.
fn is_a_loss(connection: &Connection) -> bool {
    connection.state().moment().is_a_loss()
}

/// What is about to be cut, in one line.
fn obituary(worker: &Worker, connections: usize, when: &str) -> String {
    let now = clock::now();
    let listed = worker.record().requests();
    let in_flight = worker.record().snapshot().in_flight as usize;
    let mut line = format!(
        "Worker {} cuts {} {when}, with {} in flight",
        worker.slot,
        counted(connections, "connection"),
        counted(in_flight, "request"),
    );
    for (n, request) in listed.iter().enumerate() {
        line.push_str(if n == 0 { ": " } else { ", " });
        let age = now.since(request.since).as_secs_f64();
        line.push_str(&format!("{} {} ({age:.1} s)", request.method, request.path));
    }
    if in_flight > listed.len() {
        line.push_str(&format!(" and {} more", in_flight - listed.len()));
    }
    line
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Ends every connection now.
async fn cut(worker: &'static Worker, when: &str) {
    let losses = worker.registry.count(is_a_loss);
    if losses > 0 {
        crate::log::warn!("{}", obituary(worker, losses, when));
    }
    worker.registry.tell(|_| Wanted::Cut);
    // What does not end (an upgraded connection, a blocked thread) ends with the process.
    drop(tokio::time::timeout(CUT_AT_MOST, gone(worker)).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: u64, has_hook: bool) -> (u64, u64) {
        let then = |stamp: Mono| stamp.0 / 1_000_000 - 5000;
        let begun = Mono(5_000_000_000);
        let times = Times::new(begun, begun.after(Duration::from_millis(millis)), has_hook);
        (then(times.idle), then(times.cut))
    }

    #[test]
    fn the_grace_has_room_for_everything() {
        assert_eq!(times(30_000, false), (29_000, 30_000));
        assert_eq!(times(30_000, true), (28_000, 29_000));
        assert_eq!(times(1_000, true), (250, 500));
        assert_eq!(times(0, true), (0, 0));
    }

    #[test]
    fn the_cut_is_told_with_its_own_time() {
        let when = |millis, has_hook| {
            let grace = Duration::from_millis(millis);
            Times::new(Mono(0), Mono(0).after(grace), has_hook).when(grace)
        };
        assert_eq!(when(4_000, false), "after the graceful timeout of 4 s");
        assert_eq!(
            when(4_000, true),
            "after 3.0 s of the graceful timeout of 4 s (the rest is for the application's own end)"
        );
        assert!(when(1_000, true).starts_with("after 0.5 s of the graceful timeout of 1 s ("));
        assert_eq!(when(0, true), "after the graceful timeout of 0 s");
    }
}
