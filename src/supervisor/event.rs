//! What the machine is told: everything that can happen to a supervisor, one variant each.

use crate::types::{ExitStatus, Generation, Mono, Pid, SlotId};
use std::time::Duration;

/// Something that happened. The shell tells each once, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The operator (or the service manager) wants something.
    Intent(Intent),
    /// Answer to `Action::Load`: settings and application of this generation are read, checked and ready to run.
    Loaded {
        /// As asked for.
        generation: Generation,
        /// What the machine has to know of the new settings.
        terms: Terms,
    },
    /// Answer to `Action::Load`: nothing of the new settings was taken over.
    LoadRefused {
        /// As asked for.
        generation: Generation,
        /// One sentence that names what is wrong and where.
        reason: String,
    },
    /// Answer to `Action::Spawn`: the process exists.
    Started {
        /// As asked for.
        slot: SlotId,
        /// The new child.
        pid: Pid,
    },
    /// Answer to `Action::Spawn`: fork failed (a limit, memory), or the worker was withdrawn in time.
    SpawnFailed {
        /// As asked for.
        slot: SlotId,
        /// The system's words.
        reason: String,
    },
    /// The worker has loaded its application and accepts connections.
    Ready {
        /// Which worker.
        pid: Pid,
    },
    /// The worker says that it cannot boot; its exit follows.
    BootFailed {
        /// Which worker.
        pid: Pid,
        /// `exit::WORKER_BOOT` or `exit::APP_LOAD`.
        code: i32,
        /// One sentence.
        reason: String,
    },
    /// The worker asks to be replaced (max_requests, max_rss, max_worker_lifetime).
    RecycleWanted {
        /// Which worker.
        pid: Pid,
        /// Which limit was reached, in words.
        reason: String,
        /// The limit comes with work or age (max_requests, max_worker_lifetime): to reach it soon is no sign of trouble.
        due: bool,
    },
    /// Somebody's signal has told the worker to leave, or its application has, and it does. An echo if that somebody is
    /// the machine.
    Leaving {
        /// Which worker.
        pid: Pid,
    },
    /// Answer to `Action::ReadHeartbeat`.
    Heartbeat {
        /// As asked for.
        slot: SlotId,
        /// The worker's newest stamp.
        at: Mono,
    },
    /// The worker has written its stack traces (it answered `Action::Autopsy`).
    Traced {
        /// Which worker.
        pid: Pid,
    },
    /// A child was reaped: a worker, the upgrade, or a stranger (which the machine ignores).
    Exited {
        /// Which child.
        pid: Pid,
        /// How it ended.
        status: ExitStatus,
    },
    /// Answer to `Action::StartUpgrade`: the new arbiter was started.
    UpgradeStarted {
        /// The new arbiter.
        pid: Pid,
    },
    /// Answer to `Action::StartUpgrade`: it could not be started.
    UpgradeFailed {
        /// One sentence.
        reason: String,
    },
    /// The new arbiter and its workers serve.
    UpgradeReady {
        /// The new arbiter.
        pid: Pid,
    },
    /// Answer to `Action::Settle`: it has replaced sockets, which the workers leave now. To `Action::CloseLeft`: somebody
    /// still waits there.
    SocketsLeave {
        /// When to ask for `Action::CloseLeft` (again).
        until: Mono,
    },
    /// Answer to `Action::CloseLeft`: nobody has them any more.
    SocketsLeft,
    /// We are the upgrade and the old arbiter is gone.
    Promoted,
    /// A watched file changed (`--reload`); the machine debounces.
    FilesChanged,
    /// Answer to `Action::StartBuild`. A build that could not be started is `ok: false` too.
    Built {
        /// Whether the build succeeded.
        ok: bool,
    },
    /// The stamp that `Machine::next_deadline` named has passed.
    Deadline,
}

/// What a signal or a control verb asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    /// HUP: new settings, new code, rolling.
    Reload,
    /// TTIN: one worker more.
    MoreWorkers,
    /// TTOU: one worker fewer, at least one.
    FewerWorkers,
    /// USR1: reopen the logs everywhere.
    ReopenLogs,
    /// USR2: start the binary on disk beside us.
    Upgrade,
    /// WINCH: retire every worker and stay; HUP brings them back. The shell only sends it when daemonized.
    RetireWorkers,
    /// TERM: answer what was taken on, then leave.
    StopGracefully,
    /// INT, QUIT: leave now.
    StopQuickly,
}

/// What the machine knows of the settings of a generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// How many workers shall be ready.
    pub workers: u16,
    /// How many processes beyond `workers` may be alive during a replacement, at least 1.
    pub surge: u16,
    /// A heartbeat older than this means hung. Zero: never.
    pub timeout: Duration,
    /// How long a retiring worker may finish what it holds.
    pub graceful_timeout: Duration,
    /// How long a worker may take from fork to Ready. Zero: for ever.
    pub boot_timeout: Duration,
    /// Wait this long after the last file change before building or reloading (`reload_delay`).
    pub reload_delay: Duration,
    /// Whether a file change is answered by a build (else by a reload at once).
    pub build_on_change: bool,
}
