//! A running server as its operator sees it: pid, log, addresses, workers, and what is left of it afterwards.

use super::http::{self, Address, Client, Reply};
use super::lab::error_lines;
use super::log::Log;
use super::proc;
use super::wait::{SOON, ms, secs, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

/// The program and everything it started. Dropping it ends them all.
pub struct Server {
    child: Child,
    group: i32,
    stderr: Log,
    log_file: Option<PathBuf>,
    pid_file: Option<PathBuf>,
}

/// What the `/whoami` route of the example says about the worker that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub pid: i32,
    pub slot: u32,
    pub generation: u32,
}

impl Server {
    pub(super) fn new(mut child: Child, log_file: Option<PathBuf>, pid_file: Option<PathBuf>) -> Self {
        let stderr = child.stderr.take().map(Log::follow).unwrap_or_default();
        let group = i32::try_from(child.id()).expect("a pid");
        Self { child, group, stderr, log_file, pid_file }
    }

    // === what it is ===

    /// The arbiter (or the launching process, with `--daemon`).
    pub fn pid(&self) -> i32 {
        self.group
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        let mut text = self.stderr.text();
        if let Some(path) = &self.log_file {
            text.push_str(&std::fs::read_to_string(path).unwrap_or_default());
        }
        text
    }

    /// A place in the log: what comes later is `log_since` it.
    pub fn mark(&self) -> usize {
        self.log().len()
    }

    /// What was logged since the mark.
    pub fn log_since(&self, mark: usize) -> String {
        self.log().get(mark..).unwrap_or_default().to_owned()
    }

    /// Waits for a line that contains all the words, logged after the mark; returns the line.
    #[track_caller]
    pub fn wait_log_since(&self, mark: usize, words: &[&str], limit: Duration) -> String {
        let what = format!("a log line with {words:?}");
        wait_until(&what, limit, || {
            let log = self.log_since(mark);
            log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// Waits for a line that contains all the words.
    #[track_caller]
    pub fn wait_log(&self, words: &[&str]) -> String {
        self.wait_log_since(0, words, SOON)
    }

    /// Every address it said it listens at, in order.
    pub fn addresses(&self) -> Vec<Address> {
        let mut found = Vec::new();
        for line in self.log().lines() {
            let Some((_, list)) = line.split_once("Listening at: ") else { continue };
            let list = list.rsplit_once(" (").map_or(list, |(list, _)| list);
            for address in list.split(',').filter_map(|text| Address::parse(text.trim())) {
                if !found.contains(&address) {
                    found.push(address);
                }
            }
        }
        found
    }

    /// The first address.
    #[track_caller]
    pub fn address(&self) -> Address {
        self.addresses().into_iter().next().unwrap_or_else(|| panic!("no address in the log:\n{}", self.log()))
    }

    /// Waits until it says where it listens and answers there.
    #[track_caller]
    pub fn wait_serving(&self) {
        wait_until("an address in the log", SOON, || {
            assert!(proc::alive(self.pid()), "it ended:\n{}", self.log());
            self.addresses().into_iter().next()
        });
        let address = self.address();
        wait_until("a first answer", SOON, || {
            assert!(proc::alive(self.pid()), "it ended:\n{}", self.log());
            http::get(&address, "/", secs(5)).ok().filter(|reply| reply.status == 200)
        });
        // The arbiter publishes its pid file a moment after a worker could answer.
        if let Some(path) = &self.pid_file {
            let pid = self.pid().to_string();
            let published = || std::fs::read_to_string(path).is_ok_and(|text| text.trim() == pid);
            wait_until("the pid file", SOON, || published().then_some(()));
        }
    }

    /// The workers: living children without children of their own.
    pub fn workers(&self) -> Vec<i32> {
        workers_of(self.pid())
    }

    /// Waits until exactly so many workers live.
    #[track_caller]
    pub fn wait_workers(&self, count: usize) -> Vec<i32> {
        wait_until(&format!("{count} workers"), SOON, || Some(self.workers()).filter(|found| found.len() == count))
    }

    // === what it answers ===

    /// A request on a connection of its own; must be answered.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        http::get(&self.address(), path, SOON).unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// A keep-alive connection.
    #[track_caller]
    pub fn connect(&self) -> Client {
        Client::connect(&self.address(), SOON).unwrap_or_else(|error| panic!("connect: {error}\n{}", self.log()))
    }

    /// Sends a request in a thread of its own.
    pub fn get_later(&self, path: &str) -> std::thread::JoinHandle<std::io::Result<Reply>> {
        let (address, path) = (self.address(), path.to_owned());
        std::thread::spawn(move || http::get(&address, &path, secs(60)))
    }

    /// Who answers at the first address: connections are kept open meanwhile, so that every worker gets one.
    pub fn crew(&self, tries: usize) -> BTreeMap<i32, Worker> {
        let address = self.address();
        let mut open = Vec::new();
        let mut crew = BTreeMap::new();
        for _ in 0..tries {
            let Ok(mut client) = Client::connect(&address, secs(2)) else { continue };
            if let Ok(reply) = client.get("/whoami") {
                let worker = whoami(&reply);
                crew.insert(worker.pid, worker);
            }
            open.push(client);
        }
        crew
    }

    /// Waits until exactly `count` workers live, all of them answer, and all are `fit`.
    #[track_caller]
    pub fn wait_crew(&self, count: usize, fit: impl Fn(&Worker) -> bool) -> Vec<Worker> {
        wait_until(&format!("{count} workers that serve and fit"), SOON, || {
            if self.workers().len() != count {
                return None;
            }
            let crew = self.crew(count * 4);
            (crew.len() == count && crew.values().all(&fit)).then(|| crew.into_values().collect())
        })
    }

    /// Waits until `count` workers serve, whoever they are.
    #[track_caller]
    pub fn wait_ready(&self, count: usize) -> Vec<Worker> {
        self.wait_crew(count, |_| true)
    }

    /// Reloads and waits until `count` workers serve, none of them an old one.
    #[track_caller]
    pub fn reload(&self, count: usize) -> Vec<Worker> {
        let old = self.workers();
        self.signal(Signal::SIGHUP);
        self.wait_crew(count, |worker| !old.contains(&worker.pid))
    }

    // === what is done to it ===

    /// Sends the arbiter a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap_or_else(|error| panic!("{signal}: {error}\n{}", self.log()));
    }

    /// Waits for the end of the arbiter and returns its exit code.
    #[track_caller]
    pub fn wait_exit(&mut self, limit: Duration) -> i32 {
        let child = &mut self.child;
        let status = wait_until("the arbiter ends", limit, || child.try_wait().expect("our child"));
        status.code().unwrap_or_else(|| panic!("the arbiter ended by {status}\n{}", self.log()))
    }

    /// Ends the arbiter as nobody should, and reaps it.
    pub fn kill_arbiter(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().expect("our child");
    }

    /// Stops it by TERM and asserts a clean end.
    #[track_caller]
    pub fn finish(mut self) {
        // One that has only just ended is about to be reaped.
        wait_until("the arbiter to reap its dead", secs(5), || proc::zombies(self.pid()).is_empty().then_some(()));
        self.signal(Signal::SIGTERM);
        assert_eq!(self.wait_exit(secs(40)), 0, "the code after TERM\n{}", self.log());
        self.assert_gone();
    }

    /// Asserts that an arbiter that has ended left nothing behind: no process, no port, no socket, no pid file.
    #[track_caller]
    pub fn assert_gone(&self) {
        wait_until("every process of the server gone", secs(5), || self.members().is_empty().then_some(()));
        self.stderr_ended();
        for address in self.addresses() {
            assert!(!address.answers(), "{address:?} still answers");
            if let Address::Unix(path) = address {
                assert!(!path.exists(), "{} was left behind", path.display());
            }
        }
        if let Some(path) = &self.pid_file {
            assert!(!path.exists(), "{} was left behind", path.display());
        }
    }

    /// Asserts that nothing went wrong in its own eyes.
    #[track_caller]
    pub fn assert_no_errors(&self) {
        let log = self.log();
        assert_eq!(error_lines(&log), Vec::<&str>::new(), "errors in the log:\n{log}");
    }

    #[track_caller]
    fn stderr_ended(&self) {
        if self.child.stderr.is_none() && !self.stderr.text().is_empty() {
            self.stderr.wait_ended(secs(5));
        }
    }

    /// Living processes of this start's process group.
    pub fn members(&self) -> Vec<i32> {
        let ours = |stat: &proc::Stat| stat.group == self.group && stat.state != 'Z';
        proc::all().into_iter().filter(ours).map(|stat| stat.pid).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in self.members() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.len().saturating_sub(6000);
            eprintln!("--- the server's log (pid {}):\n{}", self.group, log.get(tail..).unwrap_or(&log));
        }
    }
}

/// The workers of an arbiter that the test has no handle of.
pub fn workers_of(arbiter: i32) -> Vec<i32> {
    let all = proc::all();
    let leads = |pid: i32| all.iter().any(|stat| stat.parent == pid);
    let mut found: Vec<i32> = all
        .iter()
        .filter(|stat| stat.parent == arbiter && stat.state != 'Z' && !leads(stat.pid))
        .map(|stat| stat.pid)
        .collect();
    found.sort_unstable();
    found
}

/// Reads the answer of `/whoami`.
#[track_caller]
pub fn whoami(reply: &Reply) -> Worker {
    let text = reply.text();
    let number = |key: &str| -> u64 {
        let fact = text.split_whitespace().find_map(|fact| fact.strip_prefix(key)?.strip_prefix('='));
        fact.and_then(|fact| fact.parse().ok())
            .unwrap_or_else(|| panic!("/whoami has no {key}: {:?} {text:?}", reply.head))
    };
    let small = |key: &str| u32::try_from(number(key)).expect("small");
    Worker { pid: i32::try_from(number("pid")).expect("a pid"), slot: small("slot"), generation: small("generation") }
}

/// A span in which an arbiter may react to a signal before a test looks at what did not change.
pub const REACTION: Duration = ms(500);
