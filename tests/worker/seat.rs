//! A worker in a process of its own, and the arbiter's ends of its pipes.
//!
//! The process is this test binary again, told by the environment to be a worker: no fork of a process with threads.

use rustcorn::abi::{ABI, KIND_TCP, KIND_UNIX, Report, SHARED_LANE, Seat, SeatListener, Vouched};
use rustcorn::scoreboard::Scoreboard;
use rustcorn::sys::{clock, fd, leave::leave, pipe, poll};
use rustcorn::types::{Generation, Pid, Signal, SlotId};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longer than anything here may take, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(20);
const VARIABLE: &str = "RUSTCORN_TEST_SEAT";

#[derive(Serialize, Deserialize)]
struct Told {
    app: String,
    listener: i32,
    kind: u32,
    lane: u32,
    report: i32,
    lifeline: i32,
    log: i32,
    orders: String,
    peer: Option<u32>,
}

/// The worker's side.
pub fn become_worker_if_told() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let told: Told = serde_json::from_str(&told).unwrap();
    let board = Scoreboard::create(4).unwrap();
    board.reset(SlotId(1), Generation(7), clock::now());
    if let Some(lane) = told.peer {
        // Lives as long as we look.
        board.reset(SlotId(0), Generation(7), clock::now());
        board.slot(SlotId(0)).set_lane(lane);
        board.slot(SlotId(0)).set_ready(clock::now().after(Duration::from_secs(3600)));
    }
    let listeners = [SeatListener { fd: told.listener, kind: told.kind, lane: told.lane, tls: 0, leaving: 0 }];
    let (scoreboard, scoreboard_len) = board.raw();
    let seat = Seat {
        abi: ABI,
        size: size_of::<Seat>() as u32,
        slot: 1,
        generation: 7,
        orders: told.orders.as_ptr(),
        orders_len: told.orders.len(),
        listeners: listeners.as_ptr(),
        listeners_len: listeners.len(),
        lane: 1,
        report_fd: told.report,
        lifeline_fd: told.lifeline,
        log_fd: told.log,
        tls_fd: -1,
        access_fd: -1,
        scoreboard,
        scoreboard_len,
        // SAFETY: all of it lives until the process leaves below; the descriptors were left open by the harness for us.
        #[allow(unsafe_code)]
        vouched: unsafe { Vouched::new() },
    };
    leave(crate::apps::run(&told.app, &seat));
}

/// A running worker.
pub struct Worker {
    child: Child,
    pub address: SocketAddr,
    reports: BufReader<File>,
    lifeline: Option<OwnedFd>,
    log: tempfile::NamedTempFile,
}

/// What a worker is started with.
pub struct Start<'a> {
    pub app: &'a str,
    pub orders: serde_json::Value,
    pub unix: Option<&'a std::path::Path>,
    /// `ulimit -n`.
    pub descriptors: Option<u32>,
    /// The listener's lane; the worker's own is 1.
    pub lane: u32,
    /// A live peer that owns this lane.
    pub peer: Option<u32>,
    /// The arbiter has given this worker up already, and hears no more of it.
    pub forgotten: bool,
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self {
            app: "router",
            orders: serde_json::json!({}),
            unix: None,
            descriptors: None,
            lane: SHARED_LANE,
            peer: None,
            forgotten: false,
        }
    }
}

/// Starts `app` with settings that differ from the defaults as said, and waits until it is ready.
pub fn serve(app: &str, orders: serde_json::Value) -> Worker {
    let mut worker = start(Start { app, orders, ..Start::default() });
    assert_eq!(worker.report(), Some(Report::Ready), "{}", worker.log());
    worker
}

pub fn start(start: Start<'_>) -> Worker {
    /// One at a time: descriptors are inheritable for a moment, and must not get into somebody else's worker.
    static TURN: Mutex<()> = Mutex::new(());
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let (kind, listener): (u32, OwnedFd) = match start.unix {
        Some(path) => (KIND_UNIX, UnixListener::bind(path).unwrap().into()),
        None => (KIND_TCP, tcp.into()),
    };
    let (mut reports, report) = pipe::blocking().unwrap();
    if start.forgotten {
        reports = File::open("/dev/null").unwrap().into();
    }
    let (lifeline, held) = pipe::blocking().unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let log_fd: OwnedFd = File::options().append(true).open(log.path()).unwrap().into();
    let mut orders = serde_json::json!({ "app": start.app, "log": { "level": "debug", "path": log.path() } });
    orders.as_object_mut().unwrap().extend(start.orders.as_object().unwrap().clone());
    let told = Told {
        app: start.app.to_owned(),
        listener: listener.as_raw_fd(),
        kind,
        lane: start.lane,
        report: report.as_raw_fd(),
        lifeline: lifeline.as_raw_fd(),
        log: log_fd.as_raw_fd(),
        orders: orders.to_string(),
        peer: start.peer,
    };
    let exe = std::env::current_exe().unwrap();
    let mut command = match start.descriptors {
        Some(most) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]).arg(exe);
            shell
        }
        None => Command::new(exe),
    };
    command.args(["--exact", "worker_process", "--nocapture"]).env(VARIABLE, serde_json::to_string(&told).unwrap());
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).stdout(Stdio::null());
    let child = {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for inherited in [&listener, &report, &lifeline, &log_fd] {
            fd::set_cloexec(inherited, false).unwrap();
        }
        let child = command.spawn().unwrap();
        drop((listener, report, lifeline, log_fd));
        child
    };
    Worker { child, address, reports: BufReader::new(reports.into()), lifeline: Some(held), log }
}

impl Worker {
    /// The next report; none if the worker is gone.
    pub fn report(&mut self) -> Option<Report> {
        if self.reports.buffer().is_empty() {
            let ready = poll::wait(&[self.reports.get_ref().as_fd()], Some(PATIENCE)).unwrap();
            assert_eq!(ready, [true], "no report: {}", self.log());
        }
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        assert!(rustcorn::sys::signal::send(Pid(self.child.id().cast_signed()), signal).unwrap());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The arbiter dies.
    pub fn abandon(&mut self) {
        self.lifeline = None;
    }

    /// The exit code, and how long it took to come.
    pub fn exit(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        let status = wait_for(|| self.child.try_wait().unwrap()).unwrap_or_else(|| panic!("no exit: {}", self.log()));
        (status, begun.elapsed())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    pub fn log_path(&self) -> std::path::PathBuf {
        self.log.path().to_owned()
    }

    /// Waits for a text in the log.
    pub fn expect_log(&self, text: &str) {
        wait_for(|| self.log().contains(text).then_some(()))
            .unwrap_or_else(|| panic!("no {text:?} in:\n{}", self.log()));
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// One request on a connection of its own.
    pub fn get(&self, path: &str) -> Answer {
        let mut stream = self.connect();
        ask(&mut stream, path);
        answer(&mut stream)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Gone already, as a rule.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks until there is an answer, or patience ends.
pub fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = what() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

pub fn ask(stream: &mut impl Write, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Reads one response with a Content-Length.
pub fn answer(stream: &mut impl Read) -> Answer {
    try_answer(stream).unwrap()
}

pub fn try_answer(stream: &mut impl Read) -> std::io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap()))
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head, body })
}

/// Waits until the server closes the connection, without a reset.
pub fn closed(stream: &mut impl Read) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(String::from_utf8_lossy(&rest), "");
}
