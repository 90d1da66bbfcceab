//! A fixed number of threads that call the application.

use super::call::Caller;
use super::queue::Queue;
use pyo3::prelude::*;
use rustcorn::types::Level;
use rustcorn::worker::grace_left;
use std::sync::Arc;
use std::time::Duration;

/// How often somebody who waits sees whether the worker is told to hurry.
const AGAIN: Duration = Duration::from_millis(50);

/// The threads. They live as long as their queue.
pub(super) struct Pool {
    queue: Queue,
}

impl Pool {
    /// Starts them. Fewer are better than none; none at all is logged, and every request fails.
    pub(super) fn start(threads: usize, caller: &Arc<Caller>, queue: &Queue) -> Self {
        for number in 1..=threads {
            let (caller, takes) = (caller.clone(), queue.clone());
            queue.join();
            let started =
                std::thread::Builder::new().name(format!("wsgi-{number}")).spawn(move || work(&caller, &takes));
            if let Err(error) = started {
                queue.leave();
                let line = format_args!("Thread {number} of {threads} for the application cannot start: {error}");
                rustcorn::log::line(Level::Critical, line);
            }
        }
        Self { queue: queue.clone() }
    }

    /// Those that are idle end. Those that are busy still have something to do after their responses (`close`), and
    /// what is left of the grace to do it. Then they end with the process.
    pub(super) fn stop(self) {
        self.queue.close();
        Python::attach(|py| {
            py.detach(|| {
                while !self.queue.is_left_within(left().min(AGAIN)) {
                    if left().is_zero() {
                        let line = format_args!("Threads are still busy with the application, and are left behind");
                        return rustcorn::log::line(Level::Warning, line);
                    }
                }
            });
        });
    }
}

/// A thread's place at the queue, until it ends in whatever way.
struct Taker<'a>(&'a Queue);

impl Drop for Taker<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn work(caller: &Caller, queue: &Queue) {
    let _taker = Taker(queue);
    // One attachment for the life of the thread: Python's thread state is made once.
    Python::attach(|py| {
        while let Some(job) = py.detach(|| queue.take()) {
            caller.call(py, job);
        }
    });
}

/// What is left of the worker's grace; nothing, if it was told to leave at once.
fn left() -> std::time::Duration {
    grace_left().unwrap_or_default()
}
