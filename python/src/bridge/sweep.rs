//! All that tokio's loop can do without sleeping, and the certainty that it has done it.
//!
//! Another loop sleeps for both, and wakes when tokio's epoll has something. What tokio has taken from there, but not
//! done, would wake nobody. `block_on` returns right after a look at the epoll, so that look must have found nothing: a
//! look takes one event (`brink`), in the order of their coming, and the sweep rings its own bell. If that is what is
//! found when there is nothing else to do, there was nothing else. Whatever comes later is still in the epoll.
//!
//! Timers are another matter: nobody can know when the next one rings. See `guest`.

use super::bell::Bell;
use super::brink::Brink;
use super::hub::Hub;
use super::stage::Stage;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::coop::unconstrained;

/// The other loop has its turn after this time, even if there is more to do.
const LONGEST: Duration = Duration::from_millis(2);

/// Timers ring in the first look, and what they wake has its turn before the second.
const LOOKS: usize = 2;

pub(super) struct Sweep {
    hub: Arc<Hub>,
    stage: Rc<Stage>,
    pub(super) bell: Bell,
    brink: Arc<Brink>,
}

impl Sweep {
    /// Inside of the runtime's context.
    pub(super) fn new(hub: Arc<Hub>, stage: Rc<Stage>, brink: Arc<Brink>) -> io::Result<Self> {
        Ok(Self { hub, stage, bell: Bell::new()?, brink })
    }

    pub(super) fn run(&self, runtime: &Runtime) {
        let until = Instant::now() + LONGEST;
        let mut looks = None;
        self.hub.begin_turn();
        runtime.block_on(unconstrained(poll_fn(|cx| {
            let was_heard = self.bell.was_heard(cx);
            let had_nothing_to_do = self.brink.was_reached();
            // What is done here may have woken a task of tokio's.
            let has_moved = self.stage.live(cx) | self.hub.has_tasks();
            self.hub.poll_tasks();
            let Some(looks) = &mut looks else {
                looks = Some(0);
                self.brink.guard(cx.waker());
                self.hub.wake_all();
                self.bell.ringer().ring();
                return Poll::Pending;
            };
            *looks += 1;
            if was_heard && had_nothing_to_do && !has_moved && *looks >= LOOKS {
                return Poll::Ready(());
            }
            let is_enough = self.stage.is_over() || Instant::now() >= until;
            if is_enough || was_heard {
                self.bell.ringer().ring();
            }
            if is_enough { Poll::Ready(()) } else { Poll::Pending }
        })));
        self.brink.leave();
        self.hub.end_turn();
    }
}
