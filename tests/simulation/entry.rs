//! A line in the book of processes.

use rustcorn::supervisor::Cause;
use rustcorn::types::{Generation, SlotId};

/// What is known of a worker that has been started and not yet been reaped.
pub struct Entry {
    pub slot: SlotId,
    pub generation: Generation,
    pub ready: bool,
    /// It was told to go, in whichever way, or is being examined.
    pub touched: bool,
    pub examined: bool,
    /// It was withdrawn before its process was there.
    pub withdrawn: bool,
    /// It was somebody else who told it, and not us.
    pub told: bool,
    /// It asked to be replaced.
    pub worn: bool,
    pub boot_failure: Option<i32>,
}

impl Entry {
    /// Whether `cause` is what the supervisor can know about this end.
    pub fn explains(&self, cause: &Cause, stopping: bool) -> bool {
        match cause {
            Cause::Asked => self.touched && (!self.told || stopping) && (!self.examined || stopping),
            Cause::Told => self.told && !self.examined,
            Cause::Killed(_) => self.examined || self.withdrawn,
            Cause::QuickStop => self.touched && stopping,
            Cause::BootFailed { code, .. } => !self.touched && self.boot_failure == Some(*code),
            Cause::DiedBooting => !self.touched && !self.ready && self.boot_failure.is_none(),
            Cause::Unexpected => !self.touched && self.ready,
        }
    }
}
