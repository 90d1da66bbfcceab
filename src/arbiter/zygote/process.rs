//! The zygote itself: it loads the application, and forks workers as long as it is asked to.

use super::answer;
use super::letter::{LONGEST, Order, log_fd, tls_fd};
use crate::abi::{ABI, Report, Seat, SeatListener, Vouched};
use crate::arbiter::child::{self, Failure, Plan};
use crate::arbiter::roster::Member;
use crate::arbiter::terms;
use crate::sys::{self, passing};
use crate::types::{Pid, SlotId, exit};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

/// Forks a zygote. The socket is the arbiter's end, which never blocks.
pub fn start(plan: &Plan<'_>, arbiter: Pid) -> io::Result<(Member, OwnedFd)> {
    let (ours, theirs) = passing::pair()?;
    sys::fd::set_nonblocking(&ours)?;
    let (reports, report_end) = sys::pipe::nonblocking()?;
    plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
    let listeners = child::seat_listeners(plan.load.listeners.lasting());
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
        if passing::send(socket, &answer::encode(&spawned), &[]).is_err() {
            return exit::FAILURE;
        }
    }
}

/// The life of a worker that was forked from a zygote.
fn live(plan: &Plan<'_>, order: Order, listeners: &[SeatListener], fds: Vec<OwnedFd>, own: [i32; 2]) -> i32 {
    // They are the seat's from here on.
    let mut fds = fds.into_iter().map(IntoRawFd::into_raw_fd);
    let mut next = |wanted: bool| if wanted { fds.next().unwrap_or(-1) } else { -1 };
    let own_fds = [next(true), next(true), next(true), next(order.tls), next(order.access)];
    let leaving = order.leaving.into_iter().zip(fds).map(|(listener, fd)| SeatListener { fd, ..listener });
    let listeners: Vec<_> = listeners.iter().copied().chain(leaving).collect();
    let slot = SlotId(order.slot);
    let plan = Plan { slot, lane: order.lane, age: order.age, ..*plan };
    let seat = seat(&plan, slot, order.lane, Box::leak(order.orders.into_boxed_str()), &listeners, own_fds);
    let life = || {
        // What the application has opened stays open, as after any fork; of ours, the zygote's own ends go.
        for fd in own {
            sys::fd::close_number(fd);
        }
        sys::title::set(&child::title(&plan));
        let (hooks, newcomer) = (plan.launcher.hooks(), plan.newcomer());
        hooks.unpack(&newcomer, &order.packed);
        hooks.in_worker(&newcomer).map_err(Failure::boot)?;
        child::tie_to_arbiter(slot)?;
        let lived = plan.launcher.launch(plan.generation, &seat);
        lived.map_err(|error| Failure::Told(error.code, error.reason))
    };
    child::live(slot, &seat, life)
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

#[cfg(test)]
mod tests {
    use super::super::letter::Letter;
    use super::*;
    use crate::arbiter::testkit::{App, load, reaped, with_plan, with_plan_of};
    use crate::listeners::SocketName;
    use crate::sys::testkit;
    use crate::types::{ExitStatus, Signal};
    use std::net::TcpStream;
    use std::os::fd::AsFd;
    use std::time::Duration;

    /// On every architecture that Linux has but MIPS and SPARC.
    const STOP: Signal = Signal(19);
    /// Longer than anything takes here.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

    /// A zygote that is ready, for an application that ends its workers with code 7, and the arbiter's end of its socket.
    fn with_zygote(test: impl FnOnce(&Plan<'_>, Member, OwnedFd)) {
        let arbiter = Pid(std::process::id().cast_signed());
        sys::process::become_subreaper().unwrap();
        with_plan(&App::new(|_| Ok(7)), |plan| {
            let (mut zygote, socket) = start(plan, arbiter).unwrap();
            sys::poll::wait(&[zygote.pipe().unwrap()], PATIENCE).unwrap();
            assert_eq!(zygote.read_reports(), [Report::Ready]);
            test(plan, zygote, socket);
        });
    }

    #[test]
    fn a_worker_from_a_zygote_is_the_arbiters_own_child() {
        testkit::in_fork(|| {
            with_zygote(|plan, zygote, socket| {
                let reports = Letter::write(plan).unwrap().send(socket.as_fd()).unwrap();
                sys::poll::wait(&[socket.as_fd()], PATIENCE).unwrap();
                let worker = answer::decode(&passing::receive(&socket, 4).unwrap().0).unwrap();
                assert!(worker != zygote.pid && reaped(worker) == ExitStatus::Code(7));
                assert!(Member::new(worker, 0, reports).read_reports().is_empty());
                drop(socket);
                assert_eq!(reaped(zygote.pid), ExitStatus::Code(exit::OK), "it is not needed any more");
            });
        });
    }

    /// How many sockets this process has that listen at every address.
    fn wide_sockets() -> i32 {
        let is_wide = |number: &i32| {
            let socket = sys::fd::borrow(*number).filter(|fd| sys::accepting::accepts_connections(fd));
            let name = socket.and_then(|socket| sys::socket::local_name(socket).ok());
            matches!(name, Some(SocketName::Tcp(address)) if address.ip().is_unspecified())
        };
        (3..100).filter(is_wide).count().try_into().unwrap()
    }

    #[test]
    fn a_worker_is_given_the_sockets_that_its_zygote_must_not_keep_open() {
        testkit::in_fork(|| {
            let arbiter = Pid(std::process::id().cast_signed());
            sys::process::become_subreaper().unwrap();
            let wide = load("0.0.0.0:0", &[]);
            let SocketName::Tcp(address) = wide.listeners.iter().next().unwrap().address().clone() else { panic!() };
            let mut narrow = load(&format!("127.0.0.1:{}", address.port()), &[&wide.listeners]);
            drop(wide);
            let app = App::new(|_| Ok(wide_sockets()));
            let (zygote, socket) = with_plan_of(&narrow, &app, |plan| {
                let (mut zygote, socket) = start(plan, arbiter).unwrap();
                sys::poll::wait(&[zygote.pipe().unwrap()], PATIENCE).unwrap();
                assert_eq!(zygote.read_reports(), [Report::Ready]);
                Letter::write(plan).unwrap().send(socket.as_fd()).unwrap();
                sys::poll::wait(&[socket.as_fd()], PATIENCE).unwrap();
                let worker = answer::decode(&passing::receive(&socket, 4).unwrap().0).unwrap();
                assert_eq!(reaped(worker), ExitStatus::Code(1));
                (zygote, socket)
            });
            narrow.listeners.settle().unwrap();
            narrow.listeners.close();
            assert!(TcpStream::connect(("127.0.0.2", address.port())).is_err(), "the zygote has it");
            drop(socket);
            reaped(zygote.pid);
        });
    }

    #[test]
    fn neither_an_order_nor_its_answer_is_waited_for() {
        testkit::in_fork(|| {
            with_zygote(|plan, zygote, socket| {
                sys::signal::send(zygote.pid, STOP).unwrap();
                let refused = (0..10_000).find_map(|_| Letter::write(plan).unwrap().send(socket.as_fd()).err());
                assert_eq!(refused.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
                let nothing = passing::receive(&socket, 4).unwrap_err();
                assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
                sys::signal::send(zygote.pid, Signal::KILL).unwrap();
                reaped(zygote.pid);
            });
        });
    }
}
