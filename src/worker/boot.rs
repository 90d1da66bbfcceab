//! From a seat to a serving worker, and to the exit code of the process.

use super::accept::{Acceptor, Doors};
use super::application::{App, Application, BoxError};
use super::context::Worker;
use super::factory::IntoApp;
use super::host::{BootFailure, Host, Place, RustHost};
use super::report::Reporter;
use super::tls::Tls;
use super::trust::Trust;
use super::{drain, heartbeat, panics, patience, sentinel};
use crate::abi::{Inherited, Report, SeatError};
use crate::log::access::Access;
use crate::scoreboard::Scoreboard;
use crate::sys::signal::WorkerInbox;
use crate::sys::{clock, fd, orphan, signal, sigstack, trace};
use crate::types::{Pid, exit};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The exit code of a worker that panicked where nobody expects it; Rust's own number for it.
const PANICKED: i32 = 101;

/// The whole life of a worker, in a freshly forked process with one thread and no signal handlers; most signals are blocked. `factory` builds
/// the application; what is returned is the exit code. It never unwinds: its caller may be `extern "C"`.
///
/// This is what [`export!`](crate::export) puts behind its symbol, and what a binary with the application linked in
/// calls in its child.
pub fn main_for<F, T, Shape>(seat: Result<Inherited, SeatError>, factory: F) -> i32
where
    F: FnOnce() -> T,
    T: IntoApp<Shape>,
{
    worker_main(seat, RustHost::new(factory))
}

/// The same for an application of any kind, which `host` builds and turns the event loop for.
pub fn worker_main<H: Host>(seat: Result<Inherited, SeatError>, host: H) -> i32 {
    match begin(seat) {
        Ok(begun) => begun.serve(host),
        Err(code) => code,
    }
}

/// A worker that has taken its place: it hears signals, notices the end of its arbiter and can tell its stacks, and
/// no line of the application has run yet.
///
/// For a language whose applications have to be loaded before it is known which host they need: load it now, so that a
/// load that hangs or is told to leave ends as a factory that does.
pub struct Begun {
    worker: &'static Worker,
    doors: Doors,
    lane: u32,
}

/// Takes the place that `seat` describes; the first half of [`worker_main`]. It never unwinds.
///
/// # Errors
/// The exit code of the process: the place cannot be taken, and the arbiter has been told.
pub fn begin(seat: Result<Inherited, SeatError>) -> Result<Begun, i32> {
    trace::begin_stack_here();
    let mut begun = Err(PANICKED);
    let code = unless_it_panics("starts", || {
        begun = take_seat(seat);
        exit::OK
    });
    if code == exit::OK { begun } else { Err(code) }
}

impl Begun {
    /// Builds the application and serves it to the end of the worker; the exit code of the process. It never unwinds.
    pub fn serve<H: Host>(self, mut host: H) -> i32 {
        unless_it_panics("starts", || {
            let Self { worker, doors, lane } = self;
            // From now on it is the application's start that takes its time, and no import.
            worker.record().set_pid(Pid(std::process::id().cast_signed()));
            let (runtime, app) = match build(worker, &mut host) {
                Ok(built) => built,
                Err(failure) => return failed(worker, failure),
            };
            let life = Box::pin(live(worker, app, doors, lane));
            let code = unless_it_panics("serves", || host.run(&runtime, life));
            // Threads that are blocked in the application are not waited for.
            runtime.shutdown_background();
            worker.close_access_log(LAST_LINES);
            code
        })
    }

    /// There is no application to serve: tells the arbiter why. The exit code of the process.
    #[must_use]
    pub fn fail(self, failure: BootFailure) -> i32 {
        failed(self.worker, failure)
    }
}

fn failed(worker: &Worker, BootFailure { code, reason }: BootFailure) -> i32 {
    worker.reporter.send(&Report::BootFailed { code, reason });
    code
}

/// Runs a part of the worker's life; a panic that gets this far is the application's (a destructor, a hook) or a
/// mistake of ours, and the end of the worker either way.
fn unless_it_panics(part: &str, run: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        // It might panic when it is dropped.
        std::mem::forget(payload);
        let place = panics::take_newest().unwrap_or_else(|| "an unknown place".to_owned());
        crate::log::critical!("The worker ends because of a panic while it {part}, at {place}");
        PANICKED
    })
}

fn take_seat(seat: Result<Inherited, SeatError>) -> Result<Begun, i32> {
    let seat = match seat {
        Ok(seat) => seat,
        Err(error) => {
            crate::log::critical!("The worker cannot start: {error}");
            return Err(exit::APP_LOAD);
        }
    };
    let reporter = match fd::adopt(seat.report_fd) {
        Ok(pipe) => Reporter::new(pipe),
        Err(error) => {
            crate::log::critical!("The worker cannot start: it has no pipe to the arbiter: {error}");
            return Err(exit::WORKER_BOOT);
        }
    };
    let board = match take_log_and_board(&seat) {
        Ok(board) => board,
        Err(error) => return Err(cannot_start(&reporter, &*error)),
    };
    let (tls, trust) = match take_certificates(&seat).and_then(|tls| Ok((tls, Trust::new(&seat.orders.proxies)?))) {
        Ok(taken) => taken,
        Err(error) => return Err(cannot_start(&reporter, &*error)),
    };
    let (slot, generation, orders, lane) = (seat.slot, seat.generation, seat.orders.clone(), seat.lane);
    // One per process, for ever: see `context`.
    let worker: &'static Worker =
        Box::leak(Box::new(Worker::new(slot, generation, orders, board, reporter, tls, trust)));
    match take_place(worker, &seat) {
        Ok(doors) => Ok(Begun { worker, doors, lane }),
        Err(error) => Err(cannot_start(&worker.reporter, &*error)),
    }
}

/// What the access log gets to be written after the last request.
const LAST_LINES: Duration = Duration::from_millis(500);

/// By the report, since the arbiter has a log that is read; this process may have none.
fn cannot_start(reporter: &Reporter, error: &dyn std::fmt::Display) -> i32 {
    let reason = format!("the worker cannot start: {error}");
    reporter.send(&Report::BootFailed { code: exit::WORKER_BOOT, reason });
    exit::WORKER_BOOT
}

fn take_log_and_board(seat: &Inherited) -> Result<Scoreboard, BoxError> {
    crate::log::init(seat.orders.log.clone(), fd::inherit(seat.log_fd)?);
    panics::install_hook();
    let board = Scoreboard::adopt(seat.scoreboard)?;
    if seat.slot.0 >= board.slots() {
        return Err(format!("there is no seat {} on the scoreboard", seat.slot).into());
    }
    Ok(board)
}

/// Everything else before the first line of application code.
fn take_place(worker: &'static Worker, seat: &Inherited) -> Result<Doors, BoxError> {
    worker.record().set_lane(seat.lane);
    let doors = Doors::inherit(&seat.listeners)?;
    // What the arbiter listens to is nothing to us.
    signal::reset_handlers();
    sigstack::install()?;
    let inbox = WorkerInbox::install()?;
    sentinel::start(worker, inbox, fd::adopt(seat.lifeline_fd)?)?;
    // It watches the lifeline from now on, so the end of the arbiter need not be ours at once.
    orphan::outlive_arbiter()?;
    signal::unblock_all()?;
    // Its thread hears the signals from now on, as all do.
    if let Some(log) = Access::of_seat(seat)? {
        // Nobody has set it before.
        let _ = worker.access.set(log);
    }
    Ok(doors)
}

/// What TLS is spoken with, if it is spoken anywhere.
fn take_certificates(seat: &Inherited) -> Result<Option<Tls>, BoxError> {
    if seat.tls_fd >= 0 {
        return Ok(Some(Tls::from_vault(fd::adopt(seat.tls_fd)?, &seat.orders)?));
    }
    // Serving it plain would be the worst answer of all.
    match seat.listeners.iter().any(|listener| listener.tls != 0) {
        true => Err("a listener speaks TLS, and there are no certificates".into()),
        false => Ok(None),
    }
}

/// Has the application built, inside the runtime that will serve it.
///
/// What the application tells `tracing` on this thread meanwhile goes to the operator log. The global slot is left free
/// until then, so that the application can set a subscriber of its own there; only if it has not, the log gets that one
/// too. For the rest of the building the log keeps its precedence on this thread.
fn build<H: Host>(worker: &'static Worker, host: &mut H) -> Result<(Runtime, App<H::Service>), BootFailure> {
    let runtime = runtime(worker, host).map_err(|error| BootFailure {
        code: exit::WORKER_BOOT,
        reason: format!("worker {} cannot start its event loop: {error}", worker.slot),
    })?;
    let place =
        Place { slot: worker.slot, generation: worker.generation, orders: &worker.orders, pause: &worker.pause };
    let heard = tracing::subscriber::set_default(crate::log::bridge());
    let built = host.build(&runtime, place);
    drop(heard);
    match built {
        Ok(app) => {
            // An error means that the application has a subscriber of its own: its choice, for `log` records too.
            if tracing::subscriber::set_global_default(crate::log::bridge()).is_ok() {
                crate::log::hear_log_records();
            }
            Ok((runtime, app))
        }
        Err(failure) => {
            // Not waiting for threads that the application has left blocked.
            runtime.shutdown_background();
            Err(failure)
        }
    }
}

fn runtime<H: Host>(worker: &Worker, host: &mut H) -> io::Result<Runtime> {
    let threads = host.threads(&worker.orders);
    let mut builder = if threads <= 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads).thread_name("worker");
    }
    // Without it (no memory) a thread serves as well, and its stack trace is shorter at worst.
    builder.on_thread_start(|| drop(sigstack::install()));
    host.prepare(&mut builder, threads);
    builder.enable_all().build()
}

/// Serves until it is wished otherwise.
async fn live<S: Application>(worker: &'static Worker, app: App<S>, doors: Doors, lane: u32) -> i32 {
    let App { service, on_shutdown, spawn } = app;
    if let Some(spawn) = spawn {
        // Nobody has set it before.
        let _ = worker.spawn.set(spawn);
    }
    let acceptor = match Acceptor::new(worker, service, doors, lane) {
        Ok(acceptor) => acceptor,
        Err(error) => {
            let reason = format!("worker {} cannot listen on its sockets: {error}", worker.slot);
            worker.reporter.send(&Report::BootFailed { code: exit::WORKER_BOOT, reason });
            return exit::WORKER_BOOT;
        }
    };
    worker.record().set_ready(clock::now());
    tokio::spawn(heartbeat::beat_for_ever(worker));
    tokio::spawn(patience::sweep_for_ever(worker));
    worker.begin_serving();
    if !worker.reporter.send(&Report::Ready) {
        // An arbiter that has given this start up counts without us: we would never be told to leave.
        crate::log::warn!("Nobody waits for worker {} any more: it leaves before it serves", worker.slot);
        return exit::FAILURE;
    }
    // A task, so that with several threads it is woken where the events are.
    match tokio::spawn(acceptor.run(worker.wish.subscribe())).await {
        Ok(acceptor) => drain::leave(worker, acceptor, on_shutdown).await,
        Err(error) => {
            crate::log::critical!("Worker {} can accept no more: {error}", worker.slot);
            return exit::FAILURE;
        }
    }
    exit::OK
}
