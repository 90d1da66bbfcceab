//! Making a worker: the parent's preparations, and what the fresh child does before the application's code runs.

use super::launcher::Launcher;
use super::load::Load;
use super::roster::Member;
use super::terms;
use crate::abi::{ABI, KIND_TCP, KIND_UNIX, SHARED_LANE, Seat, SeatListener, Vouched};
use crate::listeners::{Listeners, SocketName};
use crate::log;
use crate::scoreboard::Scoreboard;
use crate::settings::Settings;
use crate::sys;
use crate::types::{Generation, SlotId, exit};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

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
    /// Its lane of `SO_REUSEPORT` listeners.
    pub lane: u32,
    /// The read end of the lifeline.
    pub lifeline: BorrowedFd<'a>,
    /// The scoreboard.
    pub scoreboard: &'a Scoreboard,
    /// What runs in it.
    pub launcher: &'a dyn Launcher,
}

/// Forks a worker. Everything that can fail for want of memory or descriptors fails here, in the parent.
pub fn spawn(plan: &Plan<'_>) -> io::Result<Member> {
    let (reports, report_end) = sys::pipe::nonblocking()?;
    plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
    plan.scoreboard.slot(plan.slot).set_lane(plan.lane);
    let orders = serde_json::to_vec(&terms::orders(plan.load)).map_err(io::Error::from)?;
    let listeners = seat_listeners(&plan.load.listeners);
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
        log_fd: if mute { STDERR } else { log::raw_fd() },
        access_fd: plan.load.access.raw_fd(),
        scoreboard,
        scoreboard_len,
        vouched: Vouched::ours(),
    };
    let pid = sys::fork::spawn(|| live(plan, &seat, &listeners))?;
    Ok(Member::new(pid, plan.lane, reports))
}

/// The standard error stream.
const STDERR: i32 = 2;

/// A daemon's workers never have the terminal: whoever launched it, perhaps through a pipe, must see its end.
fn is_mute(settings: &Settings) -> bool {
    settings.daemon && !settings.enable_stdio_inheritance && settings.log_path().is_none()
}

/// The child's life. Signals are blocked until the worker is ready to hear them.
fn live(plan: &Plan<'_>, seat: &Seat, listeners: &[SeatListener]) -> i32 {
    let settings = &plan.load.settings;
    sys::signal::reset_handlers();
    let mut keep = vec![seat.report_fd, seat.lifeline_fd, seat.log_fd, seat.access_fd];
    keep.extend(listeners.iter().map(|listener| listener.fd));
    keep.extend(plan.launcher.descriptors(plan.generation));
    // What a worker holds open it would keep alive: the arbiter's end of the lifeline, sockets of closed binds.
    sys::fd::close_all_except(&keep);
    if settings.daemon && !settings.enable_stdio_inheritance {
        // If even /dev/null cannot be had, the terminal is what is left.
        let _ = sys::daemon::silence_stdio();
    }
    sys::title::set(&format!(
        "rustcorn: worker {} generation {} [{}]",
        plan.slot,
        plan.generation,
        terms::app_name(settings)
    ));
    for name in ARBITER_VARIABLES {
        sys::env::remove(name);
    }
    for (name, value) in &settings.env {
        sys::env::set(name, value);
    }
    if let Some(mask) = settings.umask {
        sys::privileges::umask(mask);
    }
    if let Err(error) = plan.load.identity.assume() {
        log::critical!("worker {} cannot drop its privileges: {error}", plan.slot);
        return exit::WORKER_BOOT;
    }
    // Until the worker watches its lifeline itself; a change of user would have cleared it.
    if sys::orphan::die_with_arbiter().is_err() {
        return exit::OK;
    }
    plan.launcher.launch(plan.generation, seat)
}

/// The sockets as the worker sees them. With lanes, every worker gets the sockets of all lanes, so that no accept queue
/// is left alone when the owner of a lane is gone.
fn seat_listeners(listeners: &Listeners) -> Vec<SeatListener> {
    let mut seats = Vec::new();
    for listener in listeners.iter() {
        let kind = match listener.address() {
            SocketName::Tcp(_) => KIND_TCP,
            SocketName::Unix(_) => KIND_UNIX,
        };
        let sockets = listener.sockets();
        for (lane, socket) in (0u32..).zip(&sockets) {
            let lane = if sockets.len() > 1 { lane } else { SHARED_LANE };
            seats.push(SeatListener { fd: socket.as_raw_fd(), kind, lane });
        }
    }
    seats
}
