//! What either loop leaves for the other: jobs for Python, tasks of connections, and wakers for tokio's own.

use super::bell::Ringer;
use super::tasks::{self, MANY, Task, Tasks};
use pyo3::Python;
use rustcorn::worker::Task as Connection;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Wake, Waker};
use tokio::runtime::Handle;

/// Something to be done by Python, in asyncio's next turn.
pub trait Job: Send + Sync {
    /// Does it. Never inside of tokio's `block_on`.
    fn run(self: Arc<Self>, py: Python<'_>);
}

/// The meeting place of one worker's two loops.
pub struct Hub {
    inner: Mutex<Inner>,
    tasks: Tasks,
    runtime: Handle,
    /// Tokio's loop turns, perhaps in its sleep. Whoever wants something of it then is on its own thread inside of it, or
    /// on another.
    turning: AtomicBool,
    /// Several requests have come together, and their turns come one after the other.
    queued: AtomicBool,
    /// Python has several things to do in this turn.
    crowded: AtomicBool,
    /// Rung for a turn; none: turns come by themselves, after whatever Python has done.
    bell: OnceLock<Ringer>,
}

#[derive(Default)]
struct Inner {
    jobs: Vec<Arc<dyn Job>>,
    wakers: Vec<Waker>,
    /// Tasks that want to be polled.
    ready: VecDeque<Arc<Task>>,
    /// Wakes the turn itself.
    main: Option<Waker>,
    /// Whoever heeds the bell is here already, and will look before it goes.
    is_attended: bool,
}

impl Inner {
    fn has_something(&self) -> bool {
        !self.jobs.is_empty() || !self.wakers.is_empty() || !self.ready.is_empty()
    }
}

impl Hub {
    /// On the thread that turns the loop.
    pub(super) fn new(runtime: Handle) -> Self {
        tasks::come_home();
        Self {
            inner: Mutex::default(),
            tasks: Tasks::default(),
            runtime,
            turning: AtomicBool::new(false),
            queued: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            bell: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a job for Python. The turn ends soon, so that it is done.
    pub fn push(&self, job: Arc<dyn Job>) {
        let mut inner = self.lock();
        inner.jobs.push(job);
        if inner.jobs.len() == 1 {
            self.call(&inner);
        }
    }

    /// There is something for the turn that is, or for the next.
    fn call(&self, inner: &Inner) {
        if self.turning.load(Acquire)
            && let Some(main) = &inner.main
        {
            main.wake_by_ref();
        }
        self.ring(inner);
    }

    fn ring(&self, inner: &Inner) {
        if !inner.is_attended
            && let Some(bell) = self.bell.get()
        {
            bell.ring();
        }
    }

    /// Wakes a task of tokio's when that loop has its turn: from inside, it costs no system call.
    pub fn wake(&self, waker: Waker) {
        if self.turning.load(Acquire) {
            // Another thread; the loop may be asleep.
            waker.wake();
            return;
        }
        let mut inner = self.lock();
        if self.turning.load(Acquire) {
            // It has begun just now, and may have looked here already.
            drop(inner);
            waker.wake();
        } else {
            inner.wakers.push(waker);
            if inner.wakers.len() == 1 {
                self.ring(&inner);
            }
        }
    }

    /// From here on turns have to be asked for.
    pub(super) fn ring_for_turns(&self, bell: Ringer) {
        // Set once, by the one who heeds it.
        let _ = self.bell.set(bell);
    }

    /// Whoever heeds the bell comes.
    pub(super) fn attend(&self) {
        self.lock().is_attended = true;
    }

    /// And goes, unless there is something left to do: whether it does.
    pub(super) fn depart(&self) -> bool {
        let mut inner = self.lock();
        inner.is_attended = inner.has_something();
        !inner.is_attended
    }

    /// It goes in any case, and is called again if there is something left.
    pub(super) fn leave(&self) {
        let mut inner = self.lock();
        inner.is_attended = false;
        if inner.has_something() {
            self.ring(&inner);
        }
    }

    /// Takes a connection on.
    pub fn spawn(self: &Arc<Self>, connection: Connection) {
        let task = Task::new(self.clone(), connection);
        self.tasks.keep(task.clone());
        task.wake_by_ref();
    }

    /// A task wants to be polled.
    pub(super) fn queue(&self, task: Arc<Task>) {
        let mut inner = self.lock();
        inner.ready.push_back(task);
        if inner.ready.len() == 1 {
            self.call(&inner);
        }
    }

    /// Whether tasks wait for that.
    pub(super) fn has_tasks(&self) -> bool {
        !self.lock().ready.is_empty()
    }

    /// Inside of the runtime's context: polls what is ready, within bounds. True: there is more.
    pub(super) fn poll_tasks(&self) -> bool {
        for _ in 0..MANY {
            let Some(task) = self.lock().ready.pop_front() else { return false };
            if task.poll() {
                self.tasks.forget(&task);
            }
        }
        !self.lock().ready.is_empty()
    }

    /// For Python, which has woken a task and would go on with something else: polls what is ready, if that can be done
    /// here. If not, the next turn does it, as it does where several requests are gone on with together: one kind of work
    /// after the other finds its code in the processor's caches, and each request costs a third less. `alone`: no other request
    /// has begun, so whatever else Python has to do is not to be waited for, unless it is requests.
    pub fn poll_now(&self, alone: bool) {
        let together = self.queued.load(Relaxed) || !alone && self.crowded.load(Relaxed);
        if tasks::may_poll() && !self.turning.load(Acquire) && !together {
            let _context = self.runtime.enter();
            self.poll_tasks();
        }
    }

    /// Drops all connections.
    pub(super) fn end(&self) {
        let _context = self.runtime.enter();
        self.lock().ready.clear();
        self.tasks.end();
    }

    /// A turn begins. From here on it has to be woken for whatever is left here.
    pub(super) fn begin_turn(&self) {
        self.turning.store(true, Release);
    }

    pub(super) fn end_turn(&self) {
        self.turning.store(false, Release);
    }

    /// Inside of the turn: it is to be woken by this for what is left here.
    pub(super) fn wake_by(&self, main: &Waker) {
        let mut inner = self.lock();
        if !inner.main.as_ref().is_some_and(|known| known.will_wake(main)) {
            inner.main = Some(main.clone());
        }
    }

    /// Inside of the turn: wakes whoever was to be woken.
    pub(super) fn wake_all(&self) {
        let mut inner = self.lock();
        if inner.wakers.is_empty() {
            return;
        }
        let mut wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        wakers.drain(..).for_each(Waker::wake);
        let mut inner = self.lock();
        if inner.wakers.is_empty() {
            // Its memory is good for the next time.
            inner.wakers = wakers;
        }
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.lock().jobs.is_empty()
    }

    /// Does what was left for Python, which has so much else to do in this turn.
    pub(super) fn work(&self, py: Python<'_>, else_to_do: usize) {
        let mut jobs = std::mem::take(&mut self.lock().jobs);
        self.expect(jobs.len() + else_to_do);
        self.queued.store(jobs.len() > 1, Relaxed);
        jobs.drain(..).for_each(|job| job.run(py));
        self.queued.store(false, Relaxed);
        let mut inner = self.lock();
        if inner.jobs.is_empty() {
            inner.jobs = jobs;
        }
    }

    /// Python will do so many things one after the other.
    pub(super) fn expect(&self, things: usize) {
        self.crowded.store(things > 1, Relaxed);
    }
}
