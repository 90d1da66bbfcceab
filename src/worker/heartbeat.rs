//! The worker's pulse, and what is looked after at each beat.
//!
//! The beat is a task of the runtime. With one thread it proves that the event loop turns: a handler that blocks stops
//! it. With several threads it proves that at least one of them turns: it stops when all are blocked, so a single
//! stuck handler shows in the list of requests in flight, not in the heartbeat.

use super::context::{Worker, seconds};
use super::tls::Tls;
use crate::sys::{clock, stats, trace};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the heart beats: four times within the arbiter's patience, and each second at least.
pub(super) fn interval(worker: &Worker) -> Duration {
    pace(seconds(worker.orders.timeout))
}

fn pace(timeout: Duration) -> Duration {
    const SLOWEST: Duration = Duration::from_secs(1);
    if timeout.is_zero() { SLOWEST } else { (timeout / 4).clamp(Duration::from_millis(10), SLOWEST) }
}

/// A peer whose newest beat is older than this has stopped taking connections.
pub(super) fn stale_after(worker: &Worker) -> Duration {
    interval(worker) * 5 / 2
}

/// Beats as long as the worker lives.
pub(super) async fn beat_for_ever(worker: &'static Worker) {
    let mut ticks = tokio::time::interval(interval(worker));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let born = clock::now();
    loop {
        ticks.tick().await;
        let now = clock::now();
        worker.record().beat(now);
        let rss = stats::rss_bytes().unwrap_or(0);
        let lost = worker.access.get().map_or(0, |log| log.dropped());
        worker.record().set_health(rss, crate::log::dropped() + lost);
        look_at_limits(worker, now.since(born), rss);
        look_at_certificates(worker);
    }
}

fn look_at_limits(worker: &Worker, age: Duration, rss: u64) {
    let most = worker.orders.max_worker_lifetime;
    if most > 0.0 && age >= seconds(most) {
        worker.recycle(true, || format!("it is {} s old (max_worker_lifetime)", age.as_secs()));
    }
    let most = worker.orders.max_rss;
    // What a stack trace needs is given back, and is no reason to leave.
    if most > 0 && rss >= most && !trace::is_naming() {
        worker.recycle(false, || format!("it uses {} MB of memory, {} are allowed (max_rss)", rss >> 20, most >> 20));
    }
}

/// The arbiter may have renewed them.
fn look_at_certificates(worker: &Worker) {
    match worker.tls.as_ref().map(Tls::refresh) {
        Some(Ok(true)) => crate::log::debug!("Worker {} has the renewed certificates", worker.slot),
        Some(Err(error)) => {
            crate::log::error!("Worker {} cannot use the renewed certificates: {error}", worker.slot);
        }
        Some(Ok(false)) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_fits_the_arbiters_patience() {
        assert_eq!(pace(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(pace(Duration::from_secs(30)), Duration::from_secs(1));
        assert_eq!(pace(Duration::from_secs(2)), Duration::from_millis(500));
        assert_eq!(pace(Duration::from_millis(1)), Duration::from_millis(10));
    }
}
