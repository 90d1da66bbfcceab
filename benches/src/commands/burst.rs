//! A contender under a closed loop for a while, measured from outside: what the pages with loads have in common.

use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

use crate::load::{Counts, Load, Shape};
use crate::measure::{Cpu, calls, resident_tree, switches_tree};
use crate::process::Running;
use crate::rounds::{First, Slice};

/// How long system calls are counted: apart from the rest, since counting them costs the server time.
const COUNTED: Duration = Duration::from_millis(200);

/// What is done to the contender.
#[derive(Clone, Copy)]
pub struct Burst {
    /// What is asked.
    pub shape: Shape,
    /// Clients of the closed loop.
    pub clients: usize,
    /// Threads of the load generator.
    pub threads: usize,
    /// The processor of the load generator, if it has one of its own.
    pub cpu: Option<usize>,
    /// Load that is not measured.
    pub warmup: Duration,
    /// Load that is.
    pub span: Duration,
    /// Whether system calls are counted too.
    pub calls: bool,
}

/// How long a slice of a measurement is at most, and the load before each but the first: enough to connect and to find caches
/// that others have used.
const SLICE: Duration = Duration::from_millis(250);
const AGAIN: Duration = Duration::from_millis(50);

impl Burst {
    /// Into how many slices it is cut.
    pub fn slices(span: Duration) -> usize {
        span.as_millis().div_ceil(SLICE.as_millis()).try_into().unwrap_or(1)
    }

    /// One of its slices.
    #[must_use]
    pub fn slice(self, first: First) -> Self {
        let span = self.span / u32::try_from(Self::slices(self.span)).unwrap_or(1);
        let warmup = if first.here { self.warmup } else { AGAIN.min(self.warmup) };
        Self { warmup, span, calls: self.calls && first.ever, ..self }
    }
}

/// What was seen.
pub struct Seen {
    /// The clients' waits.
    counts: Counts,
    /// How long it was watched, and the processor time of the server and of the load meanwhile.
    clock: Duration,
    used: Duration,
    ours: Duration,
    /// How often the server's threads were put on a processor.
    woken: u64,
    /// Its system calls in a second of its processor time.
    calls: Option<f64>,
    /// Its resident set, in bytes.
    resident: u64,
}

impl Slice for Seen {
    fn extend(&mut self, next: Self) {
        self.counts = self.counts.with(&next.counts);
        self.clock += next.clock;
        self.used += next.used;
        self.ours += next.ours;
        self.woken += next.woken;
        self.calls = self.calls.or(next.calls);
        self.resident = self.resident.max(next.resident);
    }
}

// Exact below 2^53 requests, switches and bytes.
#[allow(clippy::cast_precision_loss)]
impl Seen {
    fn answered(&self) -> f64 {
        self.counts.total() as f64
    }

    /// User and system time of the server for each request, in microseconds.
    pub fn cost_us(&self) -> f64 {
        self.used.as_secs_f64() * 1e6 / self.answered()
    }

    /// Answers in a second.
    pub fn per_second(&self) -> f64 {
        self.answered() / self.clock.as_secs_f64()
    }

    /// A client's wait in the middle, in microseconds.
    pub fn p50_us(&self) -> f64 {
        self.wait_us(0.5)
    }

    /// The wait that one in a hundred exceeds, in microseconds.
    pub fn p99_us(&self) -> f64 {
        self.wait_us(0.99)
    }

    fn wait_us(&self, share: f64) -> f64 {
        self.counts.quantile(share).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e6)
    }

    /// Processors kept at work by the server.
    pub fn busy(&self) -> f64 {
        self.used.as_secs_f64() / self.clock.as_secs_f64()
    }

    /// Processors kept at work by the load.
    pub fn load_busy(&self) -> f64 {
        self.ours.as_secs_f64() / self.clock.as_secs_f64()
    }

    /// How often the server's threads were put on a processor, for each request.
    pub fn switches(&self) -> f64 {
        self.woken as f64 / self.answered()
    }

    /// System calls for each request; not a number if they were not counted.
    pub fn calls(&self) -> f64 {
        self.calls.map_or(f64::NAN, |calls| calls * self.used.as_secs_f64() / self.answered())
    }

    /// The server's resident set, in megabytes.
    pub fn rss_mb(&self) -> f64 {
        self.resident as f64 / 1e6
    }
}

/// Starts the load, waits until the contender is warm, measures it.
pub fn burst(running: &Running, burst: &Burst) -> Result<Seen> {
    let load = Load::start(burst.shape, running.address(), burst.clients, burst.threads, burst.cpu)?;
    std::thread::sleep(burst.warmup);
    let (clock, counts) = (Instant::now(), load.counts());
    let (server, ours, woken) = (Cpu::of(running.pid())?, Cpu::ours()?, switches_tree(running.pid())?);
    std::thread::sleep(burst.span);
    let (clock, counts) = (clock.elapsed(), load.counts().since(&counts));
    let used = Cpu::of(running.pid()).and_then(|now| now.since(&server));
    let ours = Cpu::ours().and_then(|now| now.since(&ours));
    let woken = switches_tree(running.pid()).map(|now| now.saturating_sub(woken));
    let resident = resident_tree(running.pid());
    // In a second of processor time; what a request costs of that makes them calls per request.
    let calls = if burst.calls { calls::per_second(running.pid(), COUNTED) } else { None };
    // If a request failed, that is what went wrong, whatever else did.
    load.finish()?;
    ensure!(counts.total() > 0, "no request was answered in {clock:?}");
    Ok(Seen { counts, clock, used: used?, ours: ours?, woken: woken?, calls, resident: resident? })
}
