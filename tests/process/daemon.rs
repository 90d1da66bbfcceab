//! `--daemon`: the launching process tells how the start came out, and the daemon is on its own.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// A server that runs as a daemon, found by its pid file and its log file.
pub struct Daemon {
    pub pid: i32,
    pub address: Address,
    launcher: Server,
}

impl Daemon {
    /// Starts it; the launching process must end well.
    #[track_caller]
    pub fn start(lab: &Lab, args: &str) -> Self {
        let launch = lab.launch().args("--daemon").args(args).pid_file("daemon.pid").log_file("daemon.log");
        let mut launcher = launch.spawn();
        assert_eq!(launcher.wait_exit(SOON), 0, "{}", launcher.log());
        let pid = lab.read("daemon.pid").trim().parse().expect("a pid in the pid file");
        let address = launcher.address();
        Self { pid, address, launcher }
    }

    pub fn workers(&self) -> Vec<i32> {
        server::workers_of(self.pid)
    }

    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap_or_else(|error| panic!("{signal}: {error}"));
    }

    #[track_caller]
    pub fn finish(self) {
        let workers = self.workers();
        self.signal(Signal::SIGTERM);
        proc::wait_gone(self.pid, SOON);
        for worker in workers {
            proc::wait_gone(worker, SOON);
        }
        self.launcher.assert_gone();
    }
}

#[test]
fn the_launcher_returns_when_the_daemon_serves() {
    let lab = Lab::new();
    let daemon = Daemon::start(&lab, "--workers 2");
    // No waiting here: the launcher's end is the promise.
    assert_eq!(http::get(&daemon.address, "/", SOON).expect("an answer").status, 200);
    assert_eq!(daemon.workers().len(), 2);
    daemon.finish();
}

#[test]
fn a_daemon_has_no_terminal_no_parent_and_no_stdio() {
    let lab = Lab::new();
    let daemon = Daemon::start(&lab, "");
    let stat = proc::stat(daemon.pid).expect("it lives");
    assert_ne!(stat.parent, i32::try_from(std::process::id()).expect("a pid"));
    assert_ne!(stat.group, daemon.launcher.pid(), "still in the launcher's group");
    for descriptor in 0..3 {
        let target = std::fs::read_link(format!("/proc/{}/fd/{descriptor}", daemon.pid)).expect("open");
        assert_eq!(target.to_str(), Some("/dev/null"), "descriptor {descriptor}");
    }
    daemon.finish();
}

#[test]
fn stdio_is_kept_when_asked_for() {
    let lab = Lab::new();
    for flag in ["-R", "--enable-stdio-inheritance"] {
        let daemon = Daemon::start(&lab, flag);
        let target = std::fs::read_link(format!("/proc/{}/fd/2", daemon.pid)).expect("open");
        assert!(target.to_string_lossy().starts_with("pipe:"), "{}", target.display());
        daemon.finish();
    }
}

#[test]
fn the_launcher_ends_with_the_code_of_a_start_that_failed() {
    let lab = Lab::new().with_testapps();
    for (app, code) in [("testapps:fails", 3), ("testapps:nothing", 4), ("nowhere:router", 4)] {
        let outcome = lab.run(&format!("{app} --daemon --bind 127.0.0.1:0 --error-logfile failed.log --pid f.pid"));
        assert_eq!(outcome.code, code, "{app}: {}{}", outcome.stderr, lab.read("failed.log"));
        assert!(!lab.path("f.pid").exists());
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let bind = taken.local_addr().expect("its address");
    let outcome = lab.run(&format!("hello:router --daemon --bind {bind} --error-logfile failed.log"));
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert_eq!(lab.inhabitants(), Vec::<i32>::new());
}

#[test]
fn a_daemon_reloads_and_upgrades_like_any_other() {
    let lab = Lab::new();
    let daemon = Daemon::start(&lab, "--workers 1");
    let old = daemon.workers();
    daemon.signal(Signal::SIGHUP);
    wait_until("a new worker", SOON, || {
        let now = daemon.workers();
        (now.len() == 1 && now != old).then_some(())
    });
    daemon.signal(Signal::SIGUSR2);
    let new: i32 = wait_until("the upgrade's pid file", SOON, || lab.read("daemon.pid.2").trim().parse().ok());
    wait_until("the upgrade's worker", SOON, || (server::workers_of(new).len() == 1).then_some(()));
    daemon.signal(Signal::SIGTERM);
    proc::wait_gone(daemon.pid, SOON);
    wait_until("the promotion", SOON, || (lab.read("daemon.pid").trim() == new.to_string()).then_some(()));
    assert_eq!(http::get(&daemon.address, "/", SOON).expect("an answer").status, 200);
    super::upgrade::end(new);
    daemon.launcher.assert_gone();
}
