//! What the program wrote: a pipe that a thread empties, readable at any time.

use super::wait::wait_until;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Everything that came through one pipe so far.
#[derive(Clone, Default)]
pub struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    ended: Arc<AtomicBool>,
}

impl Log {
    /// Reads the pipe to its end in a thread of its own.
    pub fn follow(mut pipe: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let ours = log.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                ours.text.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
            ours.ended.store(true, Ordering::Release);
        });
        log
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until nobody holds the pipe's other end: no process that inherited it lives any more.
    #[track_caller]
    pub fn wait_ended(&self, limit: Duration) {
        wait_until("every holder of the log pipe gone", limit, || self.ended.load(Ordering::Acquire).then_some(()));
    }
}
