//! A contender that runs: started, known to serve at an address, ended when dropped.

use anyhow::{Context, Result, bail};
use procfs::process::Process;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

use super::affinity::pinned;
use super::readiness::{Ready, wait_for_an_answer};
use super::signals::stop_quickly;
use super::undertaker;
use crate::measure::{children, rest, tree};

/// How long a contender may take until it serves.
const START: Duration = Duration::from_secs(30);

/// How long a contender may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// How long the log of a contender that failed to start is still read, unless it has an end.
const AFTERTHOUGHT: Duration = Duration::from_millis(500);

/// How many of its last log lines are shown when something goes wrong.
const LAST_WORDS: usize = 30;

/// Settings of the caller's shell that would make one contender differ from the others.
const FOREIGN: [&str; 5] = ["PORT", "WEB_CONCURRENCY", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID"];

type Words = Arc<Mutex<VecDeque<String>>>;

/// What is to be started.
pub struct Start<'a> {
    /// How the tables call it.
    pub name: &'a str,
    /// Its child processes when it is ready; none if nobody knows how many there are to be.
    pub workers: Option<usize>,
    /// How it is known to serve.
    pub ready: Ready,
    /// The processor that it runs on, if it is to be one alone.
    pub cpu: Option<usize>,
    /// Makes the command for a working directory of its own and a port.
    pub command: &'a dyn Fn(&Path, u16) -> Result<Command>,
}

/// A contender's process. Dropping it ends the process and everything it started, on panic too.
pub struct Running {
    name: String,
    child: Child,
    address: SocketAddr,
    words: Words,
    boot: Duration,
    /// Its working directory, which holds no settings file. Removed after the process, as fields are dropped last.
    _home: TempDir,
}

impl Running {
    /// Starts a command and waits until it answers, has its workers, and is at rest.
    pub fn start(start: Start<'_>) -> Result<Self> {
        let home = tempfile::tempdir().context("cannot make a temporary directory")?;
        let port = start.ready.port()?;
        let mut command = (start.command)(home.path(), port)?;
        for (key, _) in std::env::vars_os() {
            let text = key.to_string_lossy();
            if text.starts_with("RUSTCORN_") || text.starts_with("GUNICORN_") || FOREIGN.contains(&&*text) {
                command.env_remove(&key);
            }
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.current_dir(home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let begun = Instant::now();
        let name = start.name;
        let mut child =
            pinned(start.cpu, || command.spawn())?.with_context(|| format!("cannot start {name} ({command:?})"))?;
        undertaker::watch(pid_of(&child));
        let words = Words::default();
        let heard = child.stderr.take().context("its log cannot be read");
        let heard = heard.map(|stderr| listen(stderr, start.ready, Arc::clone(&words)));
        // From here on the guard ends the process whatever fails.
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut running = Self { name: name.to_owned(), child, address, words, boot: Duration::ZERO, _home: home };
        let settled = heard.and_then(|heard| {
            // Whoever ends at once has said why, but perhaps not been heard yet.
            running.settle(&heard, &start, begun).inspect_err(|_| while heard.recv_timeout(AFTERTHOUGHT).is_ok() {})
        });
        settled.with_context(|| format!("{name} does not serve; its log ends:\n{}", running.last_words()))?;
        Ok(running)
    }

    fn settle(&mut self, heard: &Receiver<SocketAddr>, start: &Start<'_>, begun: Instant) -> Result<()> {
        let deadline = begun + START;
        if let Ready::Says(words) = start.ready {
            let heard = heard.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            self.address = heard.with_context(|| format!("it never said `{words}`"))?;
        }
        let child = &mut self.child;
        wait_for_an_answer(self.address, deadline, || matches!(child.try_wait(), Ok(None)))?;
        self.boot = begun.elapsed();
        match start.workers {
            Some(count) => self.wait_for_workers(count, deadline),
            None => rest(self.pid(), deadline),
        }
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

    /// The time from its start to the first whole answer in a client's hands.
    pub fn boot(&self) -> Duration {
        self.boot
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
fn listen(log: impl Read + Send + 'static, ready: Ready, words: Words) -> Receiver<SocketAddr> {
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some(address) = ready.address(&line) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_never_serves_is_ended_and_its_last_words_are_shown() {
        let command = |_: &Path, _: u16| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo no money >&2"]);
            Ok(command)
        };
        for (ready, reason) in [(Ready::Says("Listening at: "), "Listening at"), (Ready::Answers, "has ended")] {
            let start = Start { name: "pauper", workers: Some(0), ready, cpu: None, command: &command };
            let problem = Running::start(start).err().map(|problem| format!("{problem:#}")).unwrap();
            assert!(problem.contains("no money") && problem.contains(reason), "{problem}");
        }
    }
}
