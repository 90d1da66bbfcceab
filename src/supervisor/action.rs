//! What the machine wants done. The shell performs the actions of one event in their order; one that fails comes back
//! as an event.

use crate::types::{ExitStatus, Generation, Level, Pid, Signal, SlotId};
use std::time::Duration;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Re-read the settings, check them, open new listeners, take the application's snapshot: all or nothing.
    /// Answered by `Loaded` or `LoadRefused`.
    Load {
        /// The name that the result gets.
        generation: Generation,
    },
    /// No worker of this generation will be spawned any more: close the listeners that only it had, drop its snapshot.
    Forget {
        /// Which one.
        generation: Generation,
    },
    /// Fork a worker. Answered by `Started` or `SpawnFailed`; at once, unless it is forked from a process that has its
    /// application. Until that process has it, it is what has started, and the worker's own `Started` follows.
    Spawn {
        /// Where.
        slot: SlotId,
        /// From which load.
        generation: Generation,
    },
    /// The worker that was to be forked is not wanted any more. Its `Spawn` is answered at once if it has not been.
    Withdraw {
        /// Where.
        slot: SlotId,
    },
    /// Send a signal to a child. A child that is gone already is no error: its `Exited` is on the way.
    Signal {
        /// To whom.
        pid: Pid,
        /// What.
        signal: Signal,
    },
    /// Tell the heartbeat of this slot. Answered by `Heartbeat` at once.
    ReadHeartbeat {
        /// Which slot.
        slot: SlotId,
    },
    /// The worker hangs: log its requests in flight and ask it for its stack traces (answered by `Traced`, perhaps).
    Autopsy {
        /// Which slot.
        slot: SlotId,
        /// Which worker.
        pid: Pid,
        /// What is wrong with it.
        symptom: Symptom,
    },
    /// A worker is gone: write the line that says why.
    Obituary {
        /// Which slot.
        slot: SlotId,
        /// Which worker.
        pid: Pid,
        /// Of which load.
        generation: Generation,
        /// How it ended.
        status: ExitStatus,
        /// Why, as far as the supervisor itself is the reason.
        cause: Cause,
    },
    /// Reopen the arbiter's own log files.
    ReopenLogs,
    /// Close every listening socket of the arbiter (a stop began; the workers hold theirs until the queue is empty).
    CloseListeners,
    /// No worker of another generation serves any more: have all listeners of this one listen, and close those that only
    /// the others needed.
    Settle {
        /// Which one.
        generation: Generation,
    },
    /// The workers have had their time to leave what the last `Settle` has let go of: end it, whoever has it still.
    /// Answered by `SocketsLeft`, or by `SocketsLeave` if that would send somebody away, at once.
    CloseLeft,
    /// Start the binary on disk with our listeners. Answered by `UpgradeStarted` or `UpgradeFailed` at once.
    StartUpgrade,
    /// Start the cargo build. Answered by `Built` when it ends.
    StartBuild,
    /// End the cargo build, if one runs; no `Built` follows.
    CancelBuild,
    /// Tell the world: service manager, pid file, readiness of the launching process, title.
    Announce(Phase),
    /// Write a line to the operator log.
    Log(Level, String),
    /// Leave with this code. Always the last action of all.
    Exit(i32),
}

/// What is wrong with a worker that gets an autopsy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// No heartbeat for this long.
    Hung(Duration),
    /// Not Ready after `boot_timeout`.
    BootTimeout(Duration),
    /// Still there after `graceful_timeout` and its own attempt to leave.
    DrainOverdue(Duration),
}

/// Why a worker ended, as far as the supervisor knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// The supervisor asked it to go (reload, scale down, recycle, stop) and it went.
    Asked,
    /// Somebody else told it by a signal to go, or its application wanted it, and it went.
    Told,
    /// The supervisor ended it because of this.
    Killed(Symptom),
    /// It did not follow a quick stop in time.
    QuickStop,
    /// It said that it cannot boot.
    BootFailed {
        /// `exit::WORKER_BOOT` or `exit::APP_LOAD`.
        code: i32,
        /// Its own words.
        reason: String,
    },
    /// It died before Ready without a word.
    DiedBooting,
    /// Nobody here wanted it: a crash, or somebody else's signal.
    Unexpected,
}

/// What the world is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The first start is complete (or a reload ended, in whichever way): serving with this generation.
    Serving {
        /// Which load serves.
        generation: Generation,
        /// How many workers are ready.
        ready: u16,
        /// How many are wanted.
        wanted: u16,
        /// Slots that were given up for now.
        broken: u16,
        /// Why the last reload was refused or abandoned, until one succeeds.
        trouble: Option<String>,
    },
    /// A reload began.
    Reloading,
    /// A stop began.
    Stopping,
    /// The upgrade serves; the service manager should follow it.
    Upgraded {
        /// The new arbiter.
        pid: Pid,
    },
    /// The upgrade died after it had been announced: we are the main process again.
    UpgradeLost,
    /// We are the upgrade, and now alone: the pid file loses its `.2`.
    Promoted,
}
