//! The thread that listens while the event loop works or hangs: signals, and the arbiter's life.
//!
//! It runs no application code and takes no lock that application code may hold, so a worker that is stuck in a
//! handler still tells its stack, leaves on QUIT, and does not outlive its arbiter.

use super::context::{Wish, Worker, seconds};
use super::slow::Slow;
use crate::abi::Report;
use crate::log::LogError;
use crate::sys::leave::leave;
use crate::sys::signal::WorkerInbox;
use crate::sys::{clock, poll, trace};
use crate::types::{Mono, Signal, exit};
use std::fmt::Write;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What a quick stop gives the event loop before the process leaves without it.
const QUICK: Duration = Duration::from_secs(1);
/// How long a thread may take to tell its stack.
const PATIENCE: Duration = Duration::from_millis(200);
/// Enough to read debug information; threads of this size are only touched as far as they are used.
const STACK: usize = 1 << 20;

/// Whether it was told to leave at once (QUIT, INT).
static TOLD_TO_HURRY: AtomicBool = AtomicBool::new(false);

/// Whether this worker was told to leave at once, by QUIT or INT.
#[must_use]
pub fn was_stopped_quickly() -> bool {
    TOLD_TO_HURRY.load(Ordering::Relaxed)
}

/// When the grace of a worker that leaves in order is over.
static LEAVE_BY: AtomicU64 = AtomicU64::new(u64::MAX);

/// What is left of the grace of a worker that leaves in order. None: it does not, or was told to leave at once.
#[must_use]
pub fn grace_left() -> Option<Duration> {
    let until = LEAVE_BY.load(Ordering::Relaxed);
    let is_leaving = until != u64::MAX && !was_stopped_quickly();
    is_leaving.then(|| Mono(until).since(clock::now()))
}

/// The worker that this process is.
static WORKER: OnceLock<&'static Worker> = OnceLock::new();

/// Waits until this worker is about to leave.
///
/// It waits for its connections then, for as long as its grace lasts. A WebSocket over HTTP/1.1 is closed without its
/// application's help. Whoever sends an endless response, or holds a WebSocket over HTTP/2, can end that in order.
pub async fn leaving() {
    let Some(worker) = WORKER.get() else { return std::future::pending().await };
    // It never ends without a wish: the sender is the worker's.
    drop(worker.wish.subscribe().wait_for(|wish| *wish != Wish::Serve).await);
}

/// Awaits `future`; none: meanwhile this worker was told to leave at once.
pub async fn unless_hurried<F: Future>(future: F) -> Option<F::Output> {
    let Some(worker) = WORKER.get() else { return Some(future.await) };
    let mut wish = worker.wish.subscribe();
    tokio::select! {
        biased;
        output = future => Some(output),
        _ = wish.wait_for(|wish| *wish == Wish::Quit) => None,
    }
}

/// Has this worker leave in order, as a TERM does: its successor need not wait for its end.
pub fn leave_in_order() {
    if let Some(worker) = WORKER.get() {
        worker.reporter.send(&Report::Leaving);
        drain(worker, worker.grace());
    }
}

fn drain(worker: &Worker, grace: Duration) {
    let until = clock::now().after(grace);
    LEAVE_BY.fetch_min(until.0, Ordering::Relaxed);
    worker.wish.send_if_modified(|wish| {
        let sooner = match wish {
            Wish::Serve => true,
            Wish::Drain { until: before } => until < *before,
            Wish::Quit => false,
        };
        if sooner {
            *wish = Wish::Drain { until };
        }
        sooner
    });
}

/// Stacks of another language's, which only its host can tell.
static MORE_STACKS: OnceLock<fn() -> Option<String>> = OnceLock::new();

/// Has this asked too whenever this worker tells its stacks. It is called by a thread that the host does not know, while
/// the others may be stuck.
pub fn tell_more_stacks(tell: fn() -> Option<String>) {
    let _ = MORE_STACKS.set(tell);
}

pub(super) struct Sentinel {
    worker: &'static Worker,
    inbox: WorkerInbox,
    /// None: the arbiter is gone.
    lifeline: Option<OwnedFd>,
    /// Then the process leaves, whatever the event loop does.
    deadline: Option<Mono>,
    /// None: no request is too slow.
    slow: Option<Slow>,
}

/// Starts the watch. From now on the worker hears signals.
pub(super) fn start(worker: &'static Worker, inbox: WorkerInbox, lifeline: OwnedFd) -> io::Result<()> {
    // There is one in a process.
    let _ = WORKER.set(worker);
    let slow = Slow::new(seconds(worker.orders.requests.slow_request), clock::now());
    let sentinel = Sentinel { worker, inbox, lifeline: Some(lifeline), deadline: None, slow };
    std::thread::Builder::new().name("sentinel".into()).stack_size(STACK).spawn(move || sentinel.watch())?;
    Ok(())
}

impl Sentinel {
    fn watch(mut self) {
        let mut signals = Vec::new();
        loop {
            let (inbox, lifeline) = self.wait();
            if self.deadline.is_some_and(|deadline| clock::now() >= deadline) {
                self.worker.close_access_log(QUICK / 10);
                leave(exit::OK);
            }
            self.look_for_slow_requests();
            if inbox {
                self.inbox.drain(&mut signals);
                signals.drain(..).for_each(|signal| self.hear(signal));
            }
            if lifeline {
                self.lifeline = None;
                self.orphaned();
            }
        }
    }

    /// Whether there are signals, and whether the arbiter is gone.
    fn wait(&self) -> (bool, bool) {
        let look = self.slow.as_ref().map(Slow::next);
        let first = self.deadline.into_iter().chain(look).min_by_key(|then| then.0);
        let timeout = first.map(|then| then.since(clock::now()));
        let mut fds = vec![self.inbox.as_fd()];
        fds.extend(self.lifeline.as_ref().map(AsFd::as_fd));
        match poll::wait(&fds, timeout).as_deref() {
            Ok([inbox]) => (*inbox, false),
            Ok([inbox, lifeline]) => (*inbox, *lifeline),
            Ok(_) => (false, false),
            Err(error) => {
                // Out of memory in the kernel: nothing to do but to try again, though not at full speed.
                crate::log::error!("Worker {} cannot wait for signals: {error}", self.worker.slot);
                std::thread::sleep(QUICK);
                (true, false)
            }
        }
    }

    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::TERM => {
                self.leave_if_booting();
                // First: one that has nothing to finish is gone as soon as it knows.
                self.worker.reporter.send(&Report::Leaving);
                drain(self.worker, self.worker.grace());
            }
            Signal::QUIT | Signal::INT => {
                TOLD_TO_HURRY.store(true, Ordering::Relaxed);
                self.leave_if_booting();
                self.worker.reporter.send(&Report::Leaving);
                self.worker.wish.send_replace(Wish::Quit);
                self.not_later_than(QUICK);
            }
            Signal::USR1 => self.reopen_logs(),
            Signal::PWR => {
                self.tell_more_stacks();
                self.tell_stacks();
                self.worker.reporter.send(&Report::Traced);
            }
            _ => {}
        }
    }

    /// What our user may not open the arbiter has opened, and a successor gets it from there.
    fn reopen_logs(&self) {
        let replace = |error: LogError| {
            self.worker.recycle(true, || format!("it {error}; the arbiter has it for its successor"));
        };
        if let Some(log) = self.worker.access.get() {
            match self.worker.orders.access.path.as_deref().map(crate::log::access::open) {
                Some(Err(error)) if error.is_refusal() => replace(error),
                // It tells of other failures itself.
                _ => log.reopen(),
            }
        }
        match crate::log::reopen() {
            Err(error) if error.is_refusal() => replace(error),
            Err(error) => crate::log::error!("Worker {} goes on with its old log: {error}", self.worker.slot),
            Ok(()) => {}
        }
    }

    /// Nothing is lost while the application is being built; and a factory that hangs would never hear us.
    fn leave_if_booting(&self) {
        if self.worker.abandon_boot() {
            leave(exit::OK);
        }
    }

    fn orphaned(&mut self) {
        crate::log::warn!("The arbiter is gone: worker {} finishes what it has and leaves", self.worker.slot);
        let grace = self.worker.grace();
        // The event loop keeps some of the time for the shutdown hook; we end what it cannot.
        self.leave_if_booting();
        drain(self.worker, grace.saturating_sub(QUICK.min(grace / 2)));
        self.not_later_than(grace);
    }

    fn not_later_than(&mut self, span: Duration) {
        let then = clock::now().after(span);
        self.deadline = Some(self.deadline.map_or(then, |before| before.min(then)));
    }

    /// Whether there were any.
    fn tell_more_stacks(&self) -> bool {
        let Some(text) = MORE_STACKS.get().and_then(|tell| tell()) else { return false };
        let pid = std::process::id();
        crate::log::error!("Stacks of worker {} (pid {pid}), innermost first:\n{}", self.worker.slot, text.trim_end());
        true
    }

    fn tell_stacks(&self) {
        let pid = std::process::id();
        let others = trace::threads().into_iter().filter(|(tid, _)| *tid != trace::own_tid());
        // All of them first: to find the names takes long enough for everything to be over.
        let stacks: Vec<_> = others.map(|(tid, name)| (name, trace::capture(tid, PATIENCE))).collect();
        let mut names = trace::Names::default();
        for (name, frames) in stacks {
            let mut text = format!("Stack of worker {} (pid {pid}), thread {name}:", self.worker.slot);
            match frames {
                Some(frames) => {
                    for (n, frame) in names.of(&frames).iter().enumerate() {
                        // Writing to a String cannot fail.
                        let _ = write!(text, "\n  {n:>3}: {frame}");
                    }
                }
                None => text.push_str(" it does not answer"),
            }
            crate::log::error!("{text}");
        }
    }

    /// Tells of requests that have become slow, and once for all of them what the worker is doing.
    fn look_for_slow_requests(&mut self) {
        let now = clock::now();
        let Some(slow) = self.slow.as_mut().filter(|slow| now >= slow.next()) else { return };
        let news = slow.look(now, &self.worker.record().requests());
        for request in &news {
            let age = now.since(request.since).as_secs_f64();
            crate::log::warn!(
                "The request {} {} takes worker {} longer than slow_request allows: {age:.1} s so far",
                request.method,
                request.path,
                self.worker.slot
            );
        }
        // A host's own say more about its application than those of the machinery below.
        if !news.is_empty() && !self.tell_more_stacks() {
            self.tell_stacks();
        }
    }
}
