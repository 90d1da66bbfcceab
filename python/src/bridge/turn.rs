//! One turn of tokio's loop, inside of one turn of asyncio's.

use super::descriptors::Descriptors;
use super::hub::Hub;
use super::stage::Stage;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// What turns.
pub(super) struct Wheel {
    hub: Arc<Hub>,
    pub(super) descriptors: Descriptors,
    /// Ready descriptors and their events.
    pub(super) ready: Vec<(RawFd, u32)>,
    /// Kept from turn to turn: it may ring too early, which costs an idle turn, but is hardly ever set anew.
    alarm: Pin<Box<Sleep>>,
    alarm_is_set: bool,
    stage: Rc<Stage>,
}

impl Wheel {
    /// Inside of the runtime's context.
    pub(super) fn new(hub: Arc<Hub>, stage: Rc<Stage>) -> io::Result<Self> {
        let alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let descriptors = Descriptors::new()?;
        Ok(Self { hub, descriptors, ready: Vec::new(), alarm, alarm_is_set: false, stage })
    }

    /// Turns until Python has something to do, or for `timeout` at most; none: for ever. Zero: what can be done without
    /// waiting is done.
    pub(super) fn turn(&mut self, runtime: &Runtime, timeout: Option<Duration>) -> io::Result<()> {
        let mut is_first = true;
        let mut failure = Ok(());
        self.hub.begin_turn();
        // All connections have their turn in it: tokio's budget is for one task.
        runtime.block_on(unconstrained(poll_fn(|cx| {
            if is_first {
                self.hub.wake_by(cx.waker());
                self.hub.wake_all();
            }
            self.stage.live(cx);
            if self.hub.poll_tasks() {
                cx.waker().wake_by_ref();
            }
            // They are told as long as they are ready: whoever looked twice would have each of them twice.
            if self.ready.is_empty()
                && let Poll::Ready(result) = self.descriptors.poll(&mut self.ready, cx)
            {
                failure = result;
            }
            let is_enough = self.stage.is_over() || !self.ready.is_empty() || failure.is_err() || self.hub.has_jobs();
            if std::mem::replace(&mut is_first, false) {
                // Whatever there is already: tasks that are ready have their turn, and the driver looks once.
                if is_enough || timeout == Some(Duration::ZERO) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return self.poll_alarm(timeout, cx);
            }
            if is_enough || timeout == Some(Duration::ZERO) {
                return Poll::Ready(());
            }
            self.poll_alarm(timeout, cx)
        })));
        self.hub.end_turn();
        failure
    }

    /// Rings when the time is over.
    fn poll_alarm(&mut self, timeout: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        // Beyond what a clock can add: that is for ever too.
        let Some(until) = timeout.and_then(|timeout| Instant::now().checked_add(timeout)) else {
            return Poll::Pending;
        };
        if !self.alarm_is_set || self.alarm.deadline() > until {
            self.alarm.as_mut().reset(until);
            self.alarm_is_set = true;
        }
        let poll = self.alarm.as_mut().poll(cx);
        self.alarm_is_set = poll.is_pending();
        poll
    }
}
