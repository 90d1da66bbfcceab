//! The worker's end: what it holds is answered within the grace, and what is left is cut and named.
//!
//! A draining worker adds `Connection: close` to each response (`service`), and leaves an idle connection open until
//! its keep-alive time ends (`keepalive`): closing it at once is the race in which a client's next request meets a
//! reset.

use super::accept::Acceptor;
use super::application::{Application, ShutdownHook};
use super::connection::Wanted;
use super::context::{Wish, Worker};
use crate::sys::clock;
use crate::types::Mono;
use std::time::Duration;

/// What an application's shutdown hook has at least after a drain.
const HOOK_AT_LEAST: Duration = Duration::from_secs(1);
/// What it has on a quick stop.
const HOOK_QUICK: Duration = Duration::from_millis(500);
/// How long connections that were cut may take to notice.
const CUT_AT_MOST: Duration = Duration::from_millis(100);

/// Ends the worker in the way that is wished, and returns when nothing is left to do.
pub(super) async fn leave<S: Application>(worker: &'static Worker, acceptor: Acceptor<S>, hook: Option<ShutdownHook>) {
    worker.start_draining();
    let mut wish = worker.wish.subscribe();
    let first = *wish.borrow_and_update();
    let drained = match first {
        Wish::Drain { until } => {
            acceptor.close();
            tokio::select! {
                biased;
                _ = wish.wait_for(|wish| *wish == Wish::Quit) => false,
                () = finish(worker, until) => true,
            }
        }
        // Nobody can un-wish; a drain without a wish would be a quick stop.
        Wish::Quit | Wish::Serve => {
            drop(acceptor);
            false
        }
    };
    if !drained {
        cut(worker).await;
    }
    if let Some(hook) = hook {
        let last = *worker.wish.borrow();
        let left = match last {
            Wish::Drain { until } => until.since(clock::now()).max(HOOK_AT_LEAST),
            Wish::Quit | Wish::Serve => HOOK_QUICK,
        };
        tokio::select! {
            biased;
            result = tokio::time::timeout(left, hook()) => if result.is_err() {
                crate::log::warn!(
                    "The application's shutdown hook has not ended within {:.1} s and is abandoned",
                    left.as_secs_f64()
                );
            },
            // Asked to hurry while the hook runs.
            () = hurried(worker), if drained => {}
        }
    }
}

async fn hurried(worker: &Worker) {
    let mut wish = worker.wish.subscribe();
    if wish.wait_for(|wish| *wish == Wish::Quit).await.is_ok() {
        tokio::time::sleep(HOOK_QUICK).await;
    }
}

/// Waits until the last connection is gone, and cuts what is left when the grace ends.
async fn finish(worker: &'static Worker, until: Mono) {
    let emptied = async {
        while !worker.registry.is_empty() {
            worker.registry.emptied.notified().await;
        }
    };
    if tokio::time::timeout(until.since(clock::now()), emptied).await.is_err() {
        crate::log::warn!("{}", obituary(worker));
        cut(worker).await;
    }
}

/// What is about to be cut, in one line.
fn obituary(worker: &Worker) -> String {
    let now = clock::now();
    let listed = worker.record().requests();
    let in_flight = worker.record().snapshot().in_flight as usize;
    let connections = worker.registry.len();
    let mut line = format!(
        "Worker {} cuts {} after the graceful timeout of {:.0} s, with {} in flight",
        worker.slot,
        counted(connections, "connection"),
        worker.grace().as_secs_f64(),
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
async fn cut(worker: &'static Worker) {
    worker.registry.tell(|_, _| Wanted::Cut);
    let gone = async {
        while !worker.registry.is_empty() {
            worker.registry.emptied.notified().await;
        }
    };
    // What does not end (an upgraded connection, a blocked thread) ends with the process.
    drop(tokio::time::timeout(CUT_AT_MOST, gone).await);
}
