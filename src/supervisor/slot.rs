//! One seat: what sits in it, and what its occupants have lately died of.

use super::action::{Action, Cause, Symptom};
use super::event::Terms;
use crate::types::{ExitStatus, Generation, Mono, Pid, Signal, SlotId};
use std::time::Duration;

/// Delays before the next attempt, by the number of consecutive early deaths.
const DELAYS_MS: [u64; 6] = [0, 500, 1_000, 2_000, 4_000, 8_000];
/// How long a slot that was given up rests before it is tried again.
pub const BROKEN_REST: Duration = Duration::from_secs(60);
/// A worker that dies this soon after Ready counts as dying early.
pub const SHORT_LIFE: Duration = Duration::from_secs(1);
/// What a worker's own cut at `graceful_timeout` may take.
pub const DRAIN_MARGIN: Duration = Duration::from_millis(500);
/// So many short lives in a row are respawned at once: an operator's `kill` is no crash loop.
const FREE_SHORT_LIVES: u32 = 10;

/// The state of a seat; each variant owns its deadline.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Slot {
    /// Nobody, and nobody expected.
    #[default]
    Empty,
    /// A worker of this generation shall be started at this time (or as soon as the cap allows).
    Waiting { until: Mono, generation: Generation },
    /// Forked, not ready.
    Starting(Starting),
    /// Serving.
    Ready(Ready),
    /// Told to go.
    Stopping(Stopping),
    /// Given up until then: its workers kept dying before they were ready.
    Broken { until: Mono, generation: Generation },
}

/// A process and where it came from. The pid is missing only between an `Action::Spawn` and its answer, which may take its
/// time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Birth {
    pub pid: Option<Pid>,
    pub generation: Generation,
    pub since: Mono,
    pub limits: Limits,
}

impl Birth {
    /// What tells the worker in this seat to go: this signal, or a word to those who are about to make it.
    pub fn dismissal(&self, slot: SlotId, signal: Signal) -> Action {
        self.pid.map_or(Action::Withdraw { slot }, |pid| Action::Signal { pid, signal })
    }
}

/// The patience that a worker was born with. The worker counts by the same settings, whatever is loaded later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    timeout: Duration,
    pub graceful_timeout: Duration,
    pub boot_timeout: Duration,
}

impl Limits {
    /// Those of a worker that is born under these terms.
    pub fn of(terms: &Terms) -> Self {
        Self { timeout: terms.timeout, graceful_timeout: terms.graceful_timeout, boot_timeout: terms.boot_timeout }
    }

    /// When a boot that begins now is too long; none if it may take for ever.
    pub fn booted_by(&self, now: Mono) -> Option<Mono> {
        Some(now.after(self.boot_timeout)).filter(|_| !self.boot_timeout.is_zero())
    }

    /// When a worker that beat at this time must have beaten again; none if nobody looks.
    pub fn beat_by(&self, at: Mono) -> Option<Mono> {
        Some(at.after(self.timeout)).filter(|_| !self.timeout.is_zero())
    }
}

/// A worker that boots.
#[derive(Clone, Debug, PartialEq)]
pub struct Starting {
    pub birth: Birth,
    /// When `boot_timeout` ends.
    pub deadline: Option<Mono>,
    /// What it said before its exit.
    pub failure: Option<(i32, String)>,
}

/// A worker that serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    pub birth: Birth,
    pub since: Mono,
    /// When its heartbeat must be looked at again.
    pub beat_by: Option<Mono>,
    /// It asked to be replaced.
    pub recycle: bool,
}

/// A worker that shall go.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopping {
    pub birth: Birth,
    /// It had not been ready yet.
    pub booting: bool,
    pub step: Step,
}

/// How far the escalation has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// TERM was sent by us, or it goes without that (`told`); at the deadline it is overdue and gets an autopsy.
    Asked { overdue: Mono, span: Duration, told: bool },
    /// It has nothing worth waiting for (a superseded newcomer, a quick stop): KILL at the deadline.
    Hurried { kill: Mono, quick: bool },
    /// Its stack traces are awaited, until the deadline.
    Examined { until: Mono, symptom: Symptom },
    /// ABRT was sent; KILL at the deadline.
    Aborted { kill: Mono, symptom: Symptom },
    /// KILL was sent; there is nothing left to do but to reap it.
    Killed { cause: Cause },
}

/// A seat with its memory.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    pub slot: Slot,
    boot_deaths: u32,
    short_lives: u32,
}

impl Slot {
    /// The process in this seat.
    pub fn birth(&self) -> Option<&Birth> {
        match self {
            Self::Starting(Starting { birth, .. })
            | Self::Ready(Ready { birth, .. })
            | Self::Stopping(Stopping { birth, .. }) => Some(birth),
            Self::Empty | Self::Waiting { .. } | Self::Broken { .. } => None,
        }
    }

    /// The generation of the worker that is expected here.
    pub fn pending(&self) -> Option<Generation> {
        match self {
            Self::Waiting { generation, .. } | Self::Broken { generation, .. } => Some(*generation),
            _ => None,
        }
    }

    /// When something is to be done here. A wait for a place (`may_spawn` false) is ended by an exit, not by time.
    pub fn deadline(&self, may_spawn: bool) -> Option<Mono> {
        match self {
            Self::Empty => None,
            Self::Waiting { until, .. } | Self::Broken { until, .. } => Some(*until).filter(|_| may_spawn),
            Self::Starting(starting) => starting.deadline,
            Self::Ready(ready) => ready.beat_by,
            Self::Stopping(stopping) => stopping.step.deadline(),
        }
    }
}

impl Stopping {
    /// Whether it is on its way out because it did not boot in time.
    pub fn boot_timed_out(&self) -> bool {
        self.booting && matches!(self.step.cause(), Cause::Killed(Symptom::BootTimeout(_)))
    }
}

impl Step {
    /// A worker that has `span` to finish what it holds.
    pub fn asked(now: Mono, span: Duration, told: bool) -> Self {
        Self::Asked { overdue: now.after(span.saturating_add(DRAIN_MARGIN)), span, told }
    }

    fn deadline(&self) -> Option<Mono> {
        match self {
            Self::Asked { overdue: at, .. }
            | Self::Hurried { kill: at, .. }
            | Self::Examined { until: at, .. }
            | Self::Aborted { kill: at, .. } => Some(*at),
            Self::Killed { .. } => None,
        }
    }

    /// Why a worker ended that ended in this step.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Asked { told: true, .. } => Cause::Told,
            Self::Asked { .. } | Self::Hurried { .. } => Cause::Asked,
            Self::Examined { symptom, .. } | Self::Aborted { symptom, .. } => Cause::Killed(*symptom),
            Self::Killed { cause } => cause.clone(),
        }
    }

    /// The signal that a process gets which turns out to exist only after it was told to go.
    pub fn first_signal(&self) -> Signal {
        match self {
            Self::Hurried { quick: true, .. } => Signal::QUIT,
            Self::Asked { .. } | Self::Hurried { quick: false, .. } => Signal::TERM,
            Self::Examined { .. } | Self::Aborted { .. } | Self::Killed { .. } => Signal::KILL,
        }
    }
}

impl Seat {
    /// The next attempt after a death before Ready.
    pub fn after_boot_death(&mut self, now: Mono, generation: Generation) {
        self.boot_deaths = self.boot_deaths.saturating_add(1);
        self.slot = match delay(self.boot_deaths) {
            Some(delay) => Slot::Waiting { until: now.after(delay), generation },
            None => Slot::Broken { until: now.after(BROKEN_REST), generation },
        };
    }

    /// The next attempt after the death of a worker that had been ready since `ready`. KILL is nobody's own doing: it
    /// neither counts as a short life nor ends a row of them.
    pub fn after_crash(&mut self, now: Mono, ready: Mono, status: ExitStatus, generation: Generation) {
        if !matches!(status, ExitStatus::Signal { signal: Signal::KILL, .. }) {
            let short = now.since(ready) < SHORT_LIFE;
            self.short_lives = if short { self.short_lives.saturating_add(1) } else { 0 };
        }
        self.slot = Slot::Waiting { until: now.after(delay_after_short(self.short_lives)), generation };
    }

    /// A worker became ready here.
    pub fn booted(&mut self) {
        self.boot_deaths = 0;
    }

    /// New code deserves a fresh start.
    pub fn forgive(&mut self) {
        self.boot_deaths = 0;
        self.short_lives = 0;
    }

    /// Whether no worker has died booting here lately.
    pub fn untroubled(&self) -> bool {
        self.boot_deaths == 0
    }

    /// How many have, in a row.
    pub fn boot_deaths(&self) -> u32 {
        self.boot_deaths
    }
}

/// The delay after so many short lives in a row.
pub fn delay_after_short(lives: u32) -> Duration {
    match lives.saturating_sub(FREE_SHORT_LIVES) {
        0 => Duration::ZERO,
        excess => growing_delay(excess),
    }
}

/// The delay after so many failures in a row that nobody gives up for.
pub fn growing_delay(failures: u32) -> Duration {
    delay(failures).unwrap_or(Duration::from_millis(DELAYS_MS[DELAYS_MS.len() - 1]))
}

/// The delay after so many deaths in a row; none: give up for now.
fn delay(deaths: u32) -> Option<Duration> {
    let index = usize::try_from(deaths).ok()?.checked_sub(1)?;
    DELAYS_MS.get(index).map(|&ms| Duration::from_millis(ms))
}
