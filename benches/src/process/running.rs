//! A contender that runs: started, known to serve at an address, ended when dropped.

use anyhow::{Context, Result, bail};
use procfs::process::Process;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

use super::signals::stop_quickly;
use super::undertaker;
use crate::measure::{children, rest, tree};

/// How long a contender may take until it serves.
const START: Duration = Duration::from_secs(30);

/// How long a contender may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// How many of its last log lines are shown when something goes wrong.
const LAST_WORDS: usize = 30;

/// Settings of the caller's shell that would make one contender differ from the others.
const FOREIGN: [&str; 5] = ["PORT", "WEB_CONCURRENCY", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID"];

type Words = Arc<Mutex<VecDeque<String>>>;

/// A contender's process. Dropping it ends the process and everything it started, on panic too.
pub struct Running {
    name: String,
    child: Child,
    address: SocketAddr,
    words: Words,
    /// Its working directory, which holds no settings file. Removed after the process, as fields are dropped last.
    _home: TempDir,
}

impl Running {
    /// Starts a command and waits until it says where it listens, has `workers` children, and is at rest.
    pub fn start(name: &str, mut command: Command, workers: usize) -> Result<Self> {
        for (key, _) in std::env::vars_os() {
            let text = key.to_string_lossy();
            if text.starts_with("RUSTCORN_") || text.starts_with("GUNICORN_") || FOREIGN.contains(&&*text) {
                command.env_remove(&key);
            }
        }
        let home = tempfile::tempdir().context("cannot make a temporary directory")?;
        command.current_dir(home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {name} ({command:?})"))?;
        undertaker::watch(pid_of(&child));
        let words = Words::default();
        let heard = child.stderr.take().map(|stderr| listen(stderr, Arc::clone(&words)));
        // From here on the guard ends the process whatever fails.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running = Self { name: name.to_owned(), child, address: unknown, words, _home: home };
        let deadline = Instant::now() + START;
        let settled = running.settle(heard, workers, deadline);
        settled.with_context(|| format!("{name} does not serve; its log ends:\n{}", running.last_words()))?;
        Ok(running)
    }

    fn settle(&mut self, heard: Option<Receiver<SocketAddr>>, workers: usize, deadline: Instant) -> Result<()> {
        let heard = heard.context("its log cannot be read")?;
        let patience = deadline.saturating_duration_since(Instant::now());
        self.address = heard.recv_timeout(patience).context("it never said `Listening at:`")?;
        self.wait_for_workers(workers, deadline)
    }

    /// Waits until there are exactly `count` workers and nothing is going on.
    pub fn wait_for_workers(&self, count: usize, deadline: Instant) -> Result<()> {
        loop {
            rest(self.pid(), deadline)?;
            let found = self.workers()?.len();
            if found == count {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} has {found} workers, not {count}; its log ends:\n{}", self.name, self.last_words());
            }
        }
    }

    /// The process that was started: an arbiter, or the whole server.
    pub fn pid(&self) -> i32 {
        pid_of(&self.child)
    }

    /// The children of that process.
    pub fn workers(&self) -> Result<Vec<i32>> {
        children(self.pid())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().map(|line| format!("    {line}\n")).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Handles, not numbers: a number may belong to a stranger by the time it is used.
        let family: Vec<_> =
            tree(self.pid()).unwrap_or_default().into_iter().skip(1).filter_map(|pid| Process::new(pid).ok()).collect();
        stop_quickly(self.pid());
        let deadline = Instant::now() + STOP;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        undertaker::forget(self.pid());
        for orphan in family {
            if orphan.is_alive() {
                let _ = super::kill_now(orphan.pid());
            }
        }
    }
}

fn pid_of(child: &Child) -> i32 {
    // Linux gives out process ids below 2^22.
    i32::try_from(child.id()).unwrap_or(i32::MAX)
}

/// Reads the log for as long as there is one, so that its writer never waits; tells where it listens when it says so.
fn listen(log: impl Read + Send + 'static, words: Words) -> Receiver<SocketAddr> {
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some(address) = listening_at(&line) {
                // Nobody waits for it a second time, as after a reload.
                let _ = sender.send(address);
            }
            let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
            if words.len() == LAST_WORDS {
                words.pop_front();
            }
            words.push_back(line);
        }
    });
    heard
}

/// The address in `... Listening at: http://127.0.0.1:8000 (123)`.
fn listening_at(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("Listening at: http://")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let line = "[2026-11-21 01:33:00 +0000] [12] [INFO] Listening at: http://127.0.0.1:8123 (12)";
        assert_eq!(listening_at(line), Some(SocketAddr::from(([127, 0, 0, 1], 8123))));
        assert_eq!(listening_at("[12] [INFO] Listening at: unix:/run/x (12)"), None);
        assert_eq!(listening_at("Starting rustcorn"), None);
    }

    #[test]
    fn a_command_that_never_serves_is_ended_and_its_last_words_are_shown() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no money >&2"]);
        let problem = Running::start("pauper", command, 0).err().map(|problem| format!("{problem:#}"));
        let problem = problem.unwrap();
        assert!(problem.contains("no money") && problem.contains("Listening at"), "{problem}");
    }
}
