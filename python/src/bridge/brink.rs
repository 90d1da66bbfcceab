//! The moment before tokio's loop would sleep: it has no task left to run.

use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use tokio::runtime::Builder;

/// Keeps a runtime from going to sleep while somebody stands there.
#[derive(Default)]
pub struct Brink {
    main: Mutex<Option<Waker>>,
    was_reached: AtomicBool,
}

impl Brink {
    /// The brink of what this will build. Whenever that does not sleep, it takes one event at a time from the system.
    pub fn of(builder: &mut Builder) -> Arc<Self> {
        let brink = Arc::new(Self::default());
        let here = brink.clone();
        builder.on_thread_park(move || here.reach()).max_io_events_per_busy_tick(1);
        brink
    }

    fn place(&self, main: Option<Waker>) {
        *self.main.lock().unwrap_or_else(PoisonError::into_inner) = main;
    }

    fn reach(&self) {
        if let Some(main) = &*self.main.lock().unwrap_or_else(PoisonError::into_inner) {
            self.was_reached.store(true, Release);
            main.wake_by_ref();
        }
    }

    /// From here on `main` is woken there, and nobody sleeps.
    pub(super) fn guard(&self, main: &Waker) {
        self.was_reached.store(false, Release);
        self.place(Some(main.clone()));
    }

    /// Whether it was reached since this was asked.
    pub(super) fn was_reached(&self) -> bool {
        self.was_reached.swap(false, AcqRel)
    }

    pub(super) fn leave(&self) {
        self.place(None);
    }
}
