//! The words that every other part speaks. Plain values, no behaviour beyond conversion.

use std::fmt;
use std::time::Duration;

/// A worker's seat: an index into the scoreboard. Displayed counting from 1, as operators count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u16);

impl SlotId {
    /// The slot as an index into the scoreboard's records.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", u32::from(self.0) + 1)
    }
}

/// Which load of settings and application a worker was born from. The first start is generation 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The generation that the first start builds.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A stamp of the monotonic clock, in nanoseconds (`CLOCK_MONOTONIC`, the same in every process of the machine).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// The time passed since `earlier`, zero if `earlier` is in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The stamp `span` later than this one; saturates.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// A Unix signal number as the kernel counts them on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(pub i32);

impl Signal {
    /// Reload for the arbiter.
    pub const HUP: Self = Self(1);
    /// Quick stop.
    pub const INT: Self = Self(2);
    /// Quick stop.
    pub const QUIT: Self = Self(3);
    /// What a hung worker gets first, so that a core dump can exist.
    pub const ABRT: Self = Self(6);
    /// What cannot be refused.
    pub const KILL: Self = Self(9);
    /// Reopen the log files.
    pub const USR1: Self = Self(10);
    /// Upgrade the binary.
    pub const USR2: Self = Self(12);
    /// Graceful stop.
    pub const TERM: Self = Self(15);
    /// A child changed state.
    pub const CHLD: Self = Self(17);
    /// One worker more.
    pub const TTIN: Self = Self(21);
    /// One worker fewer.
    pub const TTOU: Self = Self(22);
    /// Retire the workers, keep the arbiter (as a daemon).
    pub const WINCH: Self = Self(28);
    /// To a worker: write the stack of every thread to the log.
    pub const PWR: Self = Self(30);

    /// The name without `SIG`, if it is one of the classic signals.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 32] = [
            "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
            "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
            "PROF", "WINCH", "IO", "PWR", "SYS",
        ];
        let index = usize::try_from(self.0).ok()?;
        NAMES.get(index).copied().filter(|name| !name.is_empty())
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// How a process ended, as `wait(2)` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It left by itself with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Which one.
        signal: Signal,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal { signal, core_dumped: true } => write!(f, "was killed by {signal} (core dumped)"),
            Self::Signal { signal, core_dumped: false } => write!(f, "was killed by {signal}"),
        }
    }
}

/// The level of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What libraries tell of each of their steps.
    Trace,
    /// For those who develop rustcorn or chase a riddle.
    Debug,
    /// What an operator wants to know of a normal day.
    Info,
    /// Something is wrong, service goes on.
    Warning,
    /// Something failed.
    Error,
    /// Somebody should look now.
    Critical,
}

/// Which versions of the PROXY protocol a connection may begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyProtocol {
    /// None.
    #[default]
    Off,
    /// The line of text.
    V1,
    /// The binary header.
    V2,
    /// Either.
    Auto,
}

/// Which request headers a trusted proxy may speak of its client with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaders {
    /// None: nothing that a request says of its client is believed.
    Off,
    /// X-Forwarded-For, X-Forwarded-Host and the headers that tell the scheme.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// Both families; where both speak they have to agree.
    #[default]
    Any,
}

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "1.3")]
    V1_3,
}

/// The exit codes of the program: a contract, documented in the README.
pub mod exit {
    /// A stop that was asked for.
    pub const OK: i32 = 0;
    /// Settings, a listener, the pid file or the environment is wrong.
    pub const FAILURE: i32 = 1;
    /// The command line cannot be understood (clap's and argparse's code).
    pub const USAGE: i32 = 2;
    /// The first workers could not boot: the application's factory failed, panicked, hung or died (Gunicorn's code).
    pub const WORKER_BOOT: i32 = 3;
    /// The application could not be loaded: no such library or symbol, or another ABI (Gunicorn's code).
    pub const APP_LOAD: i32 = 4;
}
