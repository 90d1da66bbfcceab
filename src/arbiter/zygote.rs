//! Workers that are forked from a process which has the application loaded already: its zygote, one for a generation.
//!
//! The arbiter forks the zygote, and asks it for workers when it is ready. Each is forked twice, so that it is the
//! arbiter's child in the end (the arbiter adopts orphans), and everything else is as for any worker. While the zygote
//! loads, it stands in the seat of the first worker that was wanted: its failure is that worker's, with all that follows.

use super::child::{self, Failure, Plan};
use super::collect::{self, News, Reaped};
use super::roster::Member;
use super::shell::Shell;
use super::{certificates::Certificates, orders, terms};
use crate::abi::{ABI, Report, Seat, SeatListener, Vouched};
use crate::log;
use crate::supervisor::Event;
use crate::sys::{self, passing};
use crate::types::{Generation, Pid, Signal, SlotId, exit};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::time::Duration;

/// How long a zygote may take to fork.
const PATIENCE: Duration = Duration::from_secs(5);
/// No order for a worker is longer.
const LONGEST: usize = 128 << 10;

/// The arbiter's side.
pub struct Zygote {
    process: Member,
    socket: OwnedFd,
    /// It has the application.
    ready: bool,
    /// Whose seat it stands in meanwhile.
    first: SlotId,
    /// Who else waits for it.
    waiting: Vec<SlotId>,
}

impl Zygote {
    /// The pipe that it reports through.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.process.pipe()
    }
}

/// What a zygote is told of a worker; its descriptors come along.
#[derive(Serialize, Deserialize)]
struct Order {
    slot: u16,
    lane: u32,
    orders: String,
    tls: bool,
    access: bool,
}

impl Shell<'_> {
    /// A worker of a generation that is loaded once. None: it waits for its zygote.
    pub fn spawn_preloaded(&mut self, slot: SlotId, generation: Generation) -> Option<Event> {
        match self.zygotes.get_mut(&generation) {
            None => Some(self.start_zygote(slot, generation)),
            Some(zygote) if !zygote.ready => {
                zygote.waiting.push(slot);
                None
            }
            Some(_) => Some(self.spawn_from_zygote(slot, generation)),
        }
    }

    fn start_zygote(&mut self, slot: SlotId, generation: Generation) -> Event {
        let failed = |reason: String| Event::SpawnFailed { slot, reason };
        let Some(load) = self.loads.get(generation) else {
            return failed(format!("generation {generation} is not loaded any more"));
        };
        let lifeline = self.lifeline.0.as_fd();
        let (scoreboard, launcher) = (&self.scoreboard, &*self.launcher);
        let plan = Plan { slot, generation, load, lane: 0, lifeline, scoreboard, launcher };
        match sys::process::become_subreaper().and_then(|()| start(&plan, self.own)) {
            Ok((process, socket)) => {
                let pid = process.pid;
                let zygote = Zygote { process, socket, ready: false, first: slot, waiting: Vec::new() };
                self.zygotes.insert(generation, zygote);
                Event::Started { slot, pid }
            }
            Err(error) => failed(error.to_string()),
        }
    }

    fn spawn_from_zygote(&mut self, slot: SlotId, generation: Generation) -> Event {
        let Some(zygote) = self.zygotes.remove(&generation) else {
            return Event::SpawnFailed { slot, reason: "the process to fork it from is gone".to_owned() };
        };
        let mut sane = true;
        let event = self.spawn_by(slot, generation, |plan| {
            let asked = ask(plan, &zygote.socket);
            sane = asked.is_ok();
            asked
        });
        if sane {
            self.zygotes.insert(generation, zygote);
        } else {
            // Whatever it is at: another one is started in its place.
            let _ = sys::signal::send(zygote.process.pid, Signal::KILL);
        }
        event
    }

    /// What the zygotes have reported: they are ready, or cannot be.
    pub fn hear_zygotes(&mut self, news: &mut Vec<News>) {
        let mut ready = Vec::new();
        for (generation, zygote) in &mut self.zygotes {
            let pid = zygote.process.pid;
            for report in zygote.process.read_reports() {
                match report {
                    Report::Ready => {
                        zygote.ready = true;
                        let slots = std::iter::once(zygote.first).chain(std::mem::take(&mut zygote.waiting));
                        ready.push((*generation, slots.collect::<Vec<_>>()));
                    }
                    report => news.extend(collect::told(pid, self.details.keep(pid, report)).map(News::Event)),
                }
            }
        }
        for (generation, slots) in ready {
            log::debug!("generation {generation} is loaded: its workers are forked from there");
            news.extend(slots.into_iter().map(|slot| News::Event(self.spawn_from_zygote(slot, generation))));
        }
    }

    /// Whether this dead child was a zygote. What it stood for, or what waits for it, has its answer now.
    pub fn bury_zygote(&mut self, reaped: &sys::wait::Reaped, news: &mut Vec<News>) -> bool {
        self.hear_zygotes(news);
        let (pid, status) = (reaped.pid, reaped.status);
        let found =
            self.zygotes.iter().find(|(_, zygote)| zygote.process.pid == pid).map(|(generation, _)| *generation);
        let Some((generation, zygote)) = found.and_then(|it| Some((it, self.zygotes.remove(&it)?))) else {
            return false;
        };
        if zygote.ready {
            log::warn!(
                "The process that the workers of generation {generation} are forked from (pid:{pid}) {status}; the \
                 application is loaded anew when another worker is needed"
            );
            return true;
        }
        news.push(News::Death(Reaped { pid, status, peak_rss_kb: reaped.peak_rss_kb }));
        let reason = "the process that was to load the application for it has ended";
        let failed = |slot| News::Event(Event::SpawnFailed { slot, reason: reason.to_owned() });
        news.extend(zygote.waiting.into_iter().map(failed));
        true
    }

    /// No worker is needed from these any more.
    pub fn end_zygotes(&mut self, which: impl Fn(Generation) -> bool) {
        self.zygotes.retain(|generation, zygote| {
            let ends = which(*generation);
            if ends {
                // It holds nothing that would have to end well. It may be dead already.
                let _ = sys::signal::send(zygote.process.pid, Signal::KILL);
            }
            // The death of one that is not ready is still to be told.
            !(ends && zygote.ready)
        });
    }
}

/// Forks a zygote.
fn start(plan: &Plan<'_>, arbiter: Pid) -> io::Result<(Member, OwnedFd)> {
    let (ours, theirs) = passing::pair()?;
    let (reports, report_end) = sys::pipe::nonblocking()?;
    plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
    let listeners = child::seat_listeners(&plan.load.listeners);
    let pid = sys::fork::spawn(|| {
        let fds =
            [report_end.as_raw_fd(), plan.lifeline.as_raw_fd(), log_fd(plan), tls_fd(plan), plan.load.access.raw_fd()];
        let seat = seat(plan, plan.slot, 0, "", &listeners, fds);
        let title =
            format!("rustcorn: zygote generation {} [{}]", plan.generation, terms::app_name(&plan.load.settings));
        let life = || {
            child::prepare(plan, &seat, &listeners, &[theirs.as_raw_fd()], &title)?;
            let loaded = plan.launcher.preload(plan.generation);
            loaded.map_err(|error| Failure::Told(error.code, error.reason))?;
            child::report(&seat, &Report::Ready);
            Ok(serve(plan, &listeners, &theirs, report_end.as_raw_fd(), arbiter))
        };
        child::live(plan.slot, &seat, life)
    })?;
    Ok((Member::new(pid, u32::MAX, reports), ours))
}

/// The life of a zygote: forks workers as long as it is asked to.
fn serve(plan: &Plan<'_>, listeners: &[SeatListener], socket: &OwnedFd, report_fd: i32, arbiter: Pid) -> i32 {
    let own = [socket.as_raw_fd(), report_fd];
    loop {
        let Ok((message, fds)) = passing::receive(socket, LONGEST) else { return exit::FAILURE };
        if message.is_empty() {
            // The arbiter needs no more, or is gone.
            return exit::OK;
        }
        let spawned = serde_json::from_slice::<Order>(&message)
            .map_err(io::Error::from)
            .and_then(|order| sys::fork::spawn_for(arbiter, || live(plan, order, listeners, fds, own)));
        let answer = spawned.map_or(0, |pid| pid.0);
        if passing::send(socket, &answer.to_ne_bytes(), &[]).is_err() {
            return exit::FAILURE;
        }
    }
}

/// The life of a worker that was forked from a zygote.
fn live(plan: &Plan<'_>, order: Order, listeners: &[SeatListener], fds: Vec<OwnedFd>, own: [i32; 2]) -> i32 {
    // They are the seat's from here on.
    let mut fds = fds.into_iter().map(IntoRawFd::into_raw_fd);
    let mut next = |wanted: bool| if wanted { fds.next().unwrap_or(-1) } else { -1 };
    let fds = [next(true), next(true), next(true), next(order.tls), next(order.access)];
    let slot = SlotId(order.slot);
    let plan = Plan { slot, lane: order.lane, ..*plan };
    let seat = seat(&plan, slot, order.lane, Box::leak(order.orders.into_boxed_str()), listeners, fds);
    let life = || {
        // What the application has opened stays open, as after any fork; of ours, the zygote's own ends go.
        for fd in own {
            sys::fd::close_number(fd);
        }
        sys::title::set(&child::title(&plan));
        plan.launcher.hooks().in_worker(plan.generation).map_err(Failure::boot)?;
        child::tie_to_arbiter(slot)?;
        let lived = plan.launcher.launch(plan.generation, &seat);
        lived.map_err(|error| Failure::Told(error.code, error.reason))
    };
    child::live(slot, &seat, life)
}

/// Has a worker forked.
fn ask(plan: &Plan<'_>, socket: &OwnedFd) -> io::Result<Member> {
    let (reports, report_end) = sys::pipe::nonblocking()?;
    plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
    plan.scoreboard.slot(plan.slot).set_lane(plan.lane);
    let orders = serde_json::to_string(&orders::orders(plan.load)).map_err(io::Error::from)?;
    let (tls, access) = (tls_fd(plan), plan.load.access.raw_fd());
    let order = Order { slot: plan.slot.0, lane: plan.lane, orders, tls: tls >= 0, access: access >= 0 };
    let mut fds = vec![report_end.as_raw_fd(), plan.lifeline.as_raw_fd(), log_fd(plan)];
    fds.extend([tls, access].into_iter().filter(|fd| *fd >= 0));
    passing::send(socket, &serde_json::to_vec(&order).map_err(io::Error::from)?, &fds)?;
    let answered = sys::poll::wait(&[socket.as_fd()], Some(PATIENCE))?;
    if !answered.first().is_some_and(|answered| *answered) {
        return Err(io::Error::other("the process that has the application does not answer"));
    }
    let (answer, _) = passing::receive(socket, 4)?;
    let pid = answer.try_into().map(i32::from_ne_bytes).unwrap_or(0);
    match pid {
        0 => Err(io::Error::other("the process that has the application cannot fork")),
        pid => Ok(Member::new(Pid(pid), plan.lane, reports)),
    }
}

fn log_fd(plan: &Plan<'_>) -> i32 {
    if child::is_mute(&plan.load.settings) { child::STDERR } else { log::raw_fd() }
}

fn tls_fd(plan: &Plan<'_>) -> i32 {
    plan.load.certificates.as_ref().map_or(-1, Certificates::raw_fd)
}

/// A seat with these descriptors: reports, lifeline, log, certificates, access log.
fn seat(
    plan: &Plan<'_>,
    slot: SlotId,
    lane: u32,
    orders: &'static str,
    listeners: &[SeatListener],
    [report_fd, lifeline_fd, log_fd, tls_fd, access_fd]: [i32; 5],
) -> Seat {
    let (scoreboard, scoreboard_len) = plan.scoreboard.raw();
    Seat {
        abi: ABI,
        size: u32::try_from(size_of::<Seat>()).unwrap_or(u32::MAX),
        slot: u32::from(slot.0),
        generation: plan.generation.0,
        orders: orders.as_ptr(),
        orders_len: orders.len(),
        listeners: listeners.as_ptr(),
        listeners_len: listeners.len(),
        lane,
        report_fd,
        lifeline_fd,
        log_fd,
        tls_fd,
        access_fd,
        scoreboard,
        scoreboard_len,
        vouched: Vouched::ours(),
    }
}
