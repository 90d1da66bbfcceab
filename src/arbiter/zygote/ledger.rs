//! What a zygote owes: the one worker that it was asked to fork, and who waits for the next. It is asked for one at a
//! time, so that an order that cannot be sent at once is the zygote's failure and nobody else's.

use crate::types::{Mono, SlotId};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

/// An order that is out.
#[derive(Debug)]
pub struct Order {
    /// Where the worker shall sit.
    pub slot: SlotId,
    /// On which lane.
    pub lane: u32,
    /// When the zygote must have answered.
    pub due: Mono,
    /// The arbiter's end of the worker's pipe. None: nobody wants the worker any more, or it is known already; the
    /// zygote still owes the answer.
    pub reports: Option<OwnedFd>,
}

/// What happens to an order that is called off.
#[derive(Debug)]
pub enum CalledOff {
    /// Nobody here has it.
    Unknown,
    /// It was not sent yet, and never will be.
    Unsent,
    /// It is out.
    Sent(SlotId, u32, OwnedFd),
}

/// The book of one zygote.
#[derive(Debug, Default)]
pub struct Ledger {
    order: Option<Order>,
    waiting: VecDeque<SlotId>,
}

impl Ledger {
    /// A worker is wanted here, after all others.
    pub fn want(&mut self, slot: SlotId) {
        self.waiting.push_back(slot);
    }

    /// A worker is wanted here, before all others.
    pub fn want_first(&mut self, slot: SlotId) {
        self.waiting.push_front(slot);
    }

    /// Takes out who is next, unless an answer is awaited.
    pub fn next(&mut self) -> Option<SlotId> {
        if self.order.is_some() { None } else { self.waiting.pop_front() }
    }

    /// The order is out.
    pub fn sent(&mut self, order: Order) {
        self.order = Some(order);
    }

    /// Whether an answer is awaited.
    pub fn is_owed(&self) -> bool {
        self.order.is_some()
    }

    /// When the answer must be there.
    pub fn due(&self) -> Option<Mono> {
        self.order.as_ref().map(|order| order.due)
    }

    /// It is there.
    pub fn answered(&mut self) -> Option<Order> {
        self.order.take()
    }

    /// Nobody wants a worker in this seat any more.
    pub fn call_off(&mut self, slot: SlotId) -> CalledOff {
        if let Some(index) = self.waiting.iter().position(|waiting| *waiting == slot) {
            self.waiting.remove(index);
            return CalledOff::Unsent;
        }
        let order = self.order.as_mut().filter(|order| order.slot == slot);
        match order.and_then(|order| Some((order.lane, order.reports.take()?))) {
            Some((lane, reports)) => CalledOff::Sent(slot, lane, reports),
            None => CalledOff::Unknown,
        }
    }

    /// Nothing will come of the rest: the order that is out, and who waits.
    pub fn close(self) -> (Option<Order>, VecDeque<SlotId>) {
        (self.order, self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    const A: SlotId = SlotId(0);
    const B: SlotId = SlotId(1);
    const C: SlotId = SlotId(2);

    fn order(slot: SlotId) -> Order {
        let reports = Some(File::open("/dev/null").unwrap().into());
        Order { slot, lane: 3, due: Mono(u64::from(slot.0) + 7), reports }
    }

    #[test]
    fn one_order_is_out_at_a_time() {
        let mut ledger = Ledger::default();
        ledger.want(B);
        ledger.want(C);
        ledger.want_first(A);
        assert_eq!((ledger.next(), ledger.is_owed(), ledger.due()), (Some(A), false, None));
        ledger.sent(order(A));
        assert_eq!((ledger.next(), ledger.is_owed(), ledger.due()), (None, true, Some(Mono(7))));
        assert_eq!(ledger.answered().map(|order| (order.slot, order.lane)), Some((A, 3)));
        assert!(ledger.answered().is_none());
        assert_eq!((ledger.next(), ledger.next(), ledger.next()), (Some(B), Some(C), None));
    }

    #[test]
    fn what_is_called_off_is_not_asked_for_but_an_answer_stays_owed() {
        let mut ledger = Ledger::default();
        ledger.want(B);
        ledger.sent(order(A));
        assert!(matches!(ledger.call_off(C), CalledOff::Unknown));
        assert!(matches!(ledger.call_off(B), CalledOff::Unsent));
        assert!(matches!(ledger.call_off(A), CalledOff::Sent(A, 3, _)));
        assert!(matches!(ledger.call_off(A), CalledOff::Unknown), "twice");
        assert_eq!((ledger.due(), ledger.next()), (Some(Mono(7)), None));
        assert!(ledger.answered().is_some_and(|order| order.reports.is_none()));
    }

    #[test]
    fn a_seat_that_is_wanted_again_waits_behind_its_own_late_answer() {
        let mut ledger = Ledger::default();
        ledger.sent(order(A));
        assert!(matches!(ledger.call_off(A), CalledOff::Sent(..)));
        ledger.want(A);
        ledger.want(B);
        let (order, waiting) = ledger.close();
        assert!(order.is_some_and(|order| order.slot == A && order.reports.is_none()));
        assert_eq!(waiting, [A, B]);
    }
}
