//! A fixed number of threads that call the application.

use super::call::Caller;
use super::queue::Queue;
use pyo3::prelude::*;
use rustcorn::types::Level;
use std::sync::Arc;

/// The threads. They live as long as their queue.
pub(super) struct Pool {
    queue: Queue,
}

impl Pool {
    /// Starts them. Fewer are better than none; none at all is logged, and every request fails.
    pub(super) fn start(threads: usize, caller: &Arc<Caller>, queue: &Queue) -> Self {
        for number in 1..=threads {
            let (caller, queue) = (caller.clone(), queue.clone());
            let started =
                std::thread::Builder::new().name(format!("wsgi-{number}")).spawn(move || work(&caller, &queue));
            if let Err(error) = started {
                let line = format_args!("Thread {number} of {threads} for the application cannot start: {error}");
                rustcorn::log::line(Level::Critical, line);
            }
        }
        Self { queue: queue.clone() }
    }

    /// Those that are idle end. Those that are busy end with the process.
    pub(super) fn stop(self) {
        self.queue.close();
    }
}

fn work(caller: &Caller, queue: &Queue) {
    // One attachment for the life of the thread: Python's thread state is made once.
    Python::attach(|py| {
        while let Some(job) = py.detach(|| queue.take()) {
            caller.call(py, job);
        }
    });
}
