//! The end of the tasks of requests. It comes before the application's own: whatever its shutdown takes away, a pool of
//! connections to its database for one, they may need to the last.

use super::host::Setup;
use super::run::Run;
use crate::bridge::Job;
use crate::report;
use pyo3::intern;
use pyo3::prelude::*;
use rustcorn::worker::{hook_left, requests_left, unless_hurried};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Those whose connections were cut hear of it, and have so long to end by themselves (of a short rest, an eighth).
const HEARING: Duration = Duration::from_millis(100);

/// Waits for those that go on after their responses, as work in the background does, for as long as a request has. Then
/// they are cancelled, and have most of what is left: the rest is for the application's own end.
pub(super) async fn finish(setup: Arc<Setup>) {
    let tasks = setup.running.clone();
    if let Some(Ok(())) = unless_hurried(timeout(requests_left(), tasks.emptied())).await {
        return;
    }
    let left = hook_left();
    // A moment, and no span after the other: on uvloop each may be over too late.
    let end = Instant::now() + left * 5 / 8;
    if timeout(HEARING.min(left / 8), tasks.emptied()).await.is_ok() {
        return;
    }
    setup.hub.push(Arc::new(Cancellation(setup.clone())));
    if timeout_at(end, tasks.emptied()).await.is_err() {
        let count = tasks.count();
        report::error(&format!(
            "{count} of the application's tasks were cancelled and have not ended: its shutdown waits for them no longer"
        ));
    }
}

/// Of all that are left.
struct Cancellation(Arc<Setup>);

impl Cancellation {
    /// How many of them nobody has heard of yet: the others' connections were cut, which was told, or lost.
    fn cancel(&self, py: Python<'_>) -> PyResult<usize> {
        let setup = &self.0;
        let ours = setup.serve.getattr(py, intern!(py, "__code__"))?;
        let mut unheard_of = 0;
        for task in setup.all_tasks(py)?.try_iter()? {
            let task = task?;
            let coroutine = task.call_method0(intern!(py, "get_coro"))?;
            if let Ok(run) = coroutine.cast::<Run>() {
                unheard_of += usize::from(!run.get().is_cut());
            } else if !coroutine.getattr_opt(intern!(py, "cr_code"))?.is_some_and(|code| code.is(&ours)) {
                continue;
            }
            setup.cancel(py, &task)?;
        }
        Ok(unheard_of)
    }
}

impl Job for Cancellation {
    fn run(self: Arc<Self>, py: Python<'_>) {
        match self.cancel(py) {
            Ok(0) => {}
            Ok(count) => report::error(&format!(
                "{count} of the application's tasks still run when its worker leaves, and are cancelled"
            )),
            Err(error) => report::error(&report::describe(py, &error)),
        }
    }
}
