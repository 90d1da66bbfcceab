//! One turn of tokio's loop, inside of one turn of asyncio's.

use super::descriptors::Descriptors;
use super::hub::Hub;
use rustcorn::worker::Life;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel};
use std::task::{Context, Poll, Wake, Waker};
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
    life: Option<(Life, Arc<Wish>)>,
    /// What the life has returned.
    pub(super) code: Option<i32>,
    /// Python has heard of that. Turns that bring what is left to its end sleep as all others do.
    is_known: bool,
}

/// Whether the worker's life wants to be looked at. The turn's own waker is for everything.
struct Wish {
    wanted: AtomicBool,
    main: Waker,
}

impl Wake for Wish {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wanted.store(true, std::sync::atomic::Ordering::Release);
        self.main.wake_by_ref();
    }
}

impl Wheel {
    /// Inside of the runtime's context.
    pub(super) fn new(hub: Arc<Hub>) -> io::Result<Self> {
        let alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let descriptors = Descriptors::new()?;
        Ok(Self {
            hub,
            descriptors,
            ready: Vec::new(),
            alarm,
            alarm_is_set: false,
            life: None,
            code: None,
            is_known: false,
        })
    }

    /// Lives this life from now on.
    pub(super) fn begin(&mut self, life: Life) {
        let wish = Wish { wanted: AtomicBool::new(true), main: Waker::noop().clone() };
        self.life = Some((life, Arc::new(wish)));
        self.code = None;
        self.is_known = false;
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
                self.hub.wake_all(cx.waker());
            }
            self.poll_life(cx);
            if self.hub.poll_tasks() {
                cx.waker().wake_by_ref();
            }
            match self.descriptors.poll(&mut self.ready, cx) {
                Poll::Ready(result) => failure = result,
                Poll::Pending => {}
            }
            let is_over = self.code.is_some() && !self.is_known;
            let is_enough = is_over || !self.ready.is_empty() || failure.is_err() || self.hub.has_jobs();
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
        self.is_known = self.code.is_some();
        failure
    }

    fn poll_life(&mut self, cx: &mut Context<'_>) {
        let Some((life, wish)) = &mut self.life else { return };
        if !wish.main.will_wake(cx.waker()) {
            *wish = Arc::new(Wish { wanted: AtomicBool::new(true), main: cx.waker().clone() });
        }
        if !wish.wanted.swap(false, AcqRel) {
            return;
        }
        let waker = Waker::from(wish.clone());
        if let Poll::Ready(code) = life.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.code = Some(code);
            self.life = None;
        }
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
