//! Making a worker: the parent's preparations, and what the fresh child does before the application's code runs.

use super::certificates::Certificates;
use super::hooks::Newcomer;
use super::launcher::{LaunchError, Launcher};
use super::load::Load;
use super::roster::Member;
use super::{orders, terms};
use crate::abi::{ABI, KIND_TCP, KIND_UNIX, LEAVING, LEAVING_PASSED, Report, SHARED_LANE, Seat, SeatListener, Vouched};
use crate::listeners::{Listener, SocketName};
use crate::log;
use crate::scoreboard::Scoreboard;
use crate::settings::Settings;
use crate::sys;
use crate::types::{Generation, Signal, SlotId, exit};
use std::any::Any;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Environment variables that speak to the arbiter; a worker's application must not answer to them.
pub const ARBITER_VARIABLES: [&str; 6] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// What a worker is made from.
pub struct Plan<'a> {
    /// Where it sits.
    pub slot: SlotId,
    /// Which load it runs.
    pub generation: Generation,
    /// That load.
    pub load: &'a Load,
    /// How many have been tried before it, and itself.
    pub age: u32,
    /// Its lane of `SO_REUSEPORT` listeners.
    pub lane: u32,
    /// The read end of the lifeline.
    pub lifeline: BorrowedFd<'a>,
    /// The scoreboard.
    pub scoreboard: &'a Scoreboard,
    /// What runs in it.
    pub launcher: &'a dyn Launcher,
}

impl Plan<'_> {
    /// The worker as hooks know it.
    pub fn newcomer(&self) -> Newcomer {
        Newcomer { slot: self.slot, generation: self.generation, age: self.age }
    }
}

/// Forks a worker. Everything that can fail for want of memory or descriptors fails here, in the parent.
pub fn spawn(plan: &Plan<'_>) -> io::Result<Member> {
    let (reports, report_end) = sys::pipe::nonblocking()?;
    plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
    plan.scoreboard.slot(plan.slot).set_lane(plan.lane);
    let orders = serde_json::to_vec(&orders::orders(plan.load)).map_err(io::Error::from)?;
    let listeners = seat_listeners(plan.load.listeners.iter());
    let mute = is_mute(&plan.load.settings);
    let (scoreboard, scoreboard_len) = plan.scoreboard.raw();
    let seat = Seat {
        abi: ABI,
        size: u32::try_from(size_of::<Seat>()).unwrap_or(u32::MAX),
        slot: u32::from(plan.slot.0),
        generation: plan.generation.0,
        orders: orders.as_ptr(),
        orders_len: orders.len(),
        listeners: listeners.as_ptr(),
        listeners_len: listeners.len(),
        lane: plan.lane,
        report_fd: report_end.as_raw_fd(),
        lifeline_fd: plan.lifeline.as_raw_fd(),
        tls_fd: plan.load.certificates.as_ref().map_or(-1, Certificates::raw_fd),
        log_fd: if mute { STDERR } else { log::raw_fd() },
        access_fd: plan.load.access.raw_fd(),
        scoreboard,
        scoreboard_len,
        vouched: Vouched::ours(),
    };
    let title = title(plan);
    let life = || {
        prepare(plan, &seat, &listeners, &[], &title)?;
        let lived = plan.launcher.launch(plan.generation, &seat);
        lived.map_err(|LaunchError { code, reason }| Failure::Told(code, reason))
    };
    let pid = sys::fork::spawn(|| live(plan.slot, &seat, life))?;
    Ok(Member::new(pid, plan.lane, reports))
}

/// The standard error stream.
pub const STDERR: i32 = 2;

/// A daemon's workers never have the terminal: whoever launched it, perhaps through a pipe, must see its end.
pub fn is_mute(settings: &Settings) -> bool {
    settings.daemon && !settings.enable_stdio_inheritance && settings.log_path().is_none()
}

/// What the list of processes calls a worker.
pub fn title(plan: &Plan<'_>) -> String {
    let app = terms::app_name(&plan.load.settings);
    format!("rustcorn: worker {} generation {} [{app}]", plan.slot, plan.generation)
}

/// Why a child never came to its application.
pub enum Failure {
    /// The arbiter is gone: there is nobody to tell.
    Orphaned,
    /// The exit code, and one sentence for the arbiter's log.
    Told(i32, String),
}

impl Failure {
    /// Something before the application's code went wrong.
    pub fn boot(why: impl std::fmt::Display) -> Self {
        Self::Told(exit::WORKER_BOOT, why.to_string())
    }
}

/// The child's life. Most signals are blocked until the worker is ready to hear them.
///
/// What goes wrong before the application's own code runs is told by the report pipe: this process may have no log that
/// anybody reads, and the arbiter always has one.
pub fn live(slot: SlotId, seat: &Seat, life: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    let lived = catch_unwind(AssertUnwindSafe(life)).unwrap_or_else(|panic| {
        Err(Failure::boot(format_args!("worker {slot} panicked before its application: {}", words(&*panic))))
    });
    match lived {
        Ok(code) => code,
        Err(Failure::Orphaned) => exit::OK,
        Err(Failure::Told(code, reason)) => {
            report(seat, &Report::BootFailed { code, reason });
            code
        }
    }
}

/// From a copy of the arbiter to a process of the worker's own.
pub fn prepare(
    plan: &Plan<'_>,
    seat: &Seat,
    listeners: &[SeatListener],
    more: &[i32],
    title: &str,
) -> Result<(), Failure> {
    let settings = &plan.load.settings;
    sys::signal::reset_handlers();
    let mut keep = vec![seat.report_fd, seat.lifeline_fd, seat.log_fd, seat.tls_fd, seat.access_fd];
    keep.extend(listeners.iter().map(|listener| listener.fd));
    keep.extend(plan.launcher.descriptors(plan.generation));
    keep.extend(more);
    // What a worker holds open it would keep alive: the arbiter's end of the lifeline, sockets of closed binds.
    log::abandon_unless(&keep);
    sys::fd::close_all_except(&keep);
    if settings.daemon && !settings.enable_stdio_inheritance {
        // If even /dev/null cannot be had, the terminal is what is left.
        let _ = sys::daemon::silence_stdio();
    }
    sys::title::set(title);
    for name in ARBITER_VARIABLES {
        sys::env::remove(name);
    }
    for (name, value) in &settings.env {
        sys::env::set(name, value);
    }
    if let Some(mask) = settings.umask {
        sys::privileges::umask(mask);
    }
    if more.is_empty() {
        plan.launcher.hooks().in_worker(&plan.newcomer()).map_err(Failure::boot)?;
    }
    let assumed = plan.load.identity.assume();
    assumed.map_err(|error| Failure::boot(format_args!("worker {} cannot drop its privileges: {error}", plan.slot)))?;
    tie_to_arbiter(plan.slot)
}

/// What a process of the worker's own needs last.
pub fn tie_to_arbiter(slot: SlotId) -> Result<(), Failure> {
    let refused = |step: &str, error| Failure::boot(format_args!("worker {slot} cannot {step}: {error}"));
    // Until the worker watches its lifeline itself; a change of user would have cleared it.
    let in_time = sys::orphan::die_with_arbiter();
    if !in_time.map_err(|error| refused("tie its life to the arbiter's", error))? {
        return Err(Failure::Orphaned);
    }
    // There is nothing yet that would have to end well, and the initialisers of a library may hang.
    sys::signal::unblock(&[Signal::TERM, Signal::ABRT]).map_err(|error| refused("let signals through", error))
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing")
}

/// How long an arbiter that has other things to do may take to read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the arbiter, before the worker itself does so. If even that fails, the exit code still does.
pub fn report(seat: &Seat, report: &Report) {
    if let Some(pipe) = sys::fd::borrow(seat.report_fd) {
        let _ = sys::write::write_within(pipe, &report.lines(), PATIENCE);
    }
}

/// The sockets as the worker sees them. With lanes, every worker gets the sockets of all lanes, so that no accept queue
/// is left alone when the owner of a lane is gone.
pub fn seat_listeners<'a>(listeners: impl Iterator<Item = &'a Listener>) -> Vec<SeatListener> {
    let mut seats = Vec::new();
    for listener in listeners {
        let kind = match listener.address() {
            SocketName::Tcp(_) => KIND_TCP,
            SocketName::Unix(_) => KIND_UNIX,
        };
        let sockets = listener.sockets();
        for (lane, socket) in (0u32..).zip(&sockets) {
            let lane = if sockets.len() > 1 { lane } else { SHARED_LANE };
            let leaving = match (listener.is_leaving(), listener.is_passed()) {
                (false, _) => 0,
                (true, false) => LEAVING,
                (true, true) => LEAVING_PASSED,
            };
            let tls = listener.is_tls().into();
            seats.push(SeatListener { fd: socket.as_raw_fd(), kind, lane, tls, leaving });
        }
    }
    seats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbiter::hooks::{Hooks, Newcomer};
    use crate::arbiter::testkit::{App, reaped, with_plan};
    use crate::sys::testkit;
    use crate::types::ExitStatus;

    /// What a worker of this application reports, and how it ends.
    fn told(app: App) -> (Vec<Report>, ExitStatus) {
        with_plan(&app, |plan| {
            let mut member = spawn(plan).unwrap();
            let status = reaped(member.pid);
            (member.read_reports(), status)
        })
    }

    fn failed(code: i32, reason: &str) -> (Vec<Report>, ExitStatus) {
        (vec![Report::BootFailed { code, reason: reason.to_owned() }], ExitStatus::Code(code))
    }

    #[test]
    fn a_worker_without_a_log_tells_the_arbiter_why_its_application_never_ran() {
        testkit::in_fork(|| {
            let told = told(App::new(|_| Err("libgone.so cannot be loaded".into())));
            assert_eq!(told, failed(exit::APP_LOAD, "libgone.so cannot be loaded"));
        });
        testkit::in_fork(|| {
            let told = told(App::new(|_| panic!("a mistake of {}", "ours")));
            let reason = "worker 1 panicked before its application: a mistake of ours";
            assert_eq!(told, failed(exit::WORKER_BOOT, reason));
        });
        testkit::in_fork(|| assert_eq!(told(App::new(|_| Ok(7))), (Vec::new(), ExitStatus::Code(7))));
    }

    fn files() -> impl Iterator<Item = std::path::PathBuf> {
        (0..10_000).map(|n| format!("/srv/shop/app/module_{n}.py").into())
    }

    #[test]
    fn what_is_longer_than_a_pipe_arrives_whole() {
        testkit::in_fork(|| {
            let app = App::new(|seat| {
                report(seat, &Report::Imported { files: files().collect() });
                report(seat, &Report::Ready);
                Ok(0)
            });
            let mut heard = with_plan(&app, |plan| {
                let (mut member, mut heard) = (spawn(plan).unwrap(), Vec::new());
                while let Some(pipe) = member.pipe() {
                    sys::poll::wait(&[pipe], None).unwrap();
                    heard.extend(member.read_reports());
                }
                heard
            });
            assert_eq!(heard.pop(), Some(Report::Ready));
            let heard = heard.into_iter().flat_map(|report| match report {
                Report::Imported { files } => files,
                other => panic!("{other:?}"),
            });
            assert!(heard.eq(files()));
        });
    }

    /// Says who comes, and that nobody shall.
    struct Doorkeeper;

    impl Hooks for Doorkeeper {
        fn in_worker(&self, newcomer: &Newcomer) -> Result<(), String> {
            Err(format!("{newcomer:?} shall not come in"))
        }
    }

    #[test]
    fn a_hook_that_fails_in_a_worker_ends_it_before_its_application() {
        testkit::in_fork(|| {
            let newcomer = Newcomer { slot: SlotId(0), generation: Generation::FIRST, age: 1 };
            let told = told(App { hooks: &Doorkeeper, ..App::new(|_| Ok(7)) });
            assert_eq!(told, failed(exit::WORKER_BOOT, &format!("{newcomer:?} shall not come in")));
        });
    }
}
