//! Requests that take longer than the operator finds normal (`slow_request`). Pure: when to look, and what is news then.
//!
//! Looked at by the sentinel, which sees them even while the event loop hangs. Only requests that have a place in the
//! scoreboard's table are seen: the others are those of a worker that has more than that in flight.

use crate::scoreboard::InFlight;
use crate::types::Mono;
use std::time::Duration;

pub(super) struct Slow {
    after: Duration,
    /// Requests in flight that were told of.
    told: Vec<InFlight>,
    next: Mono,
}

impl Slow {
    /// None: no request is slow.
    pub(super) fn new(after: Duration, now: Mono) -> Option<Self> {
        (!after.is_zero()).then(|| Self { after, told: Vec::new(), next: now.after(after) })
    }

    /// When to look next. A request that begins after a look is not slow before the next one.
    pub(super) fn next(&self) -> Mono {
        self.next
    }

    /// The requests in flight that have become slow since the last look.
    pub(super) fn look(&mut self, now: Mono, in_flight: &[InFlight]) -> Vec<InFlight> {
        self.told.retain(|told| in_flight.contains(told));
        let is_old = |request: &InFlight| now.since(request.since) >= self.after;
        let others = || in_flight.iter().filter(|request| !self.told.contains(request));
        let news: Vec<InFlight> = others().filter(|request| is_old(request)).cloned().collect();
        let young = others().filter(|request| !is_old(request)).map(|request| request.since.after(self.after));
        self.next = young.min_by_key(|then| then.0).unwrap_or_else(|| now.after(self.after));
        self.told.extend(news.iter().cloned());
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono(1_000_000_000).after(Duration::from_millis(millis))
    }

    fn request(path: &str, since: u64) -> InFlight {
        InFlight { method: "GET".to_owned(), path: path.to_owned(), since: at(since) }
    }

    #[test]
    fn each_is_told_once_and_in_its_time() {
        assert!(Slow::new(Duration::ZERO, at(0)).is_none());
        let mut slow = Slow::new(Duration::from_millis(100), at(0)).unwrap();
        assert_eq!(slow.next(), at(100));
        let both = [request("/1", 10), request("/2", 60)];
        assert_eq!(slow.look(at(100), &both), []);
        assert_eq!(slow.next(), at(110));
        assert_eq!(slow.look(at(110), &both), both[..1]);
        assert_eq!(slow.next(), at(160));
        assert_eq!(slow.look(at(161), &both), both[1..]);
        assert_eq!(slow.look(at(261), &both), []);
        assert_eq!(slow.next(), at(361));
        assert_eq!(slow.look(at(361), &[]), []);
        assert!(slow.told.is_empty());
    }

    #[test]
    fn the_same_request_again_is_another_one() {
        let mut slow = Slow::new(Duration::from_millis(100), at(0)).unwrap();
        assert_eq!(slow.look(at(200), &[request("/", 0)]).len(), 1);
        assert_eq!(slow.look(at(400), &[request("/", 250)]).len(), 1);
    }
}
