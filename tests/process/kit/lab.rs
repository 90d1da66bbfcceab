//! A test's own directory and its turn: most tests run side by side, those that measure run alone.

use super::apps;
use super::launch::Launch;
use super::log::Log;
use super::proc;
use super::server::Server;
use super::wait::{SOON, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tempfile::TempDir;

static TURN: RwLock<()> = RwLock::new(());

/// Held to the test's end, for its effect on others only.
pub enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

impl Turn {
    /// Beside others.
    pub fn shared() -> Self {
        Self::Shared { _guard: TURN.read().unwrap_or_else(PoisonError::into_inner) }
    }

    /// No other test runs meanwhile.
    pub fn alone() -> Self {
        Self::Alone { _guard: TURN.write().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// One test's world. Dropping it ends every process that still works in its directory.
pub struct Lab {
    dir: TempDir,
    _turn: Turn,
}

/// How a run to the end came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The lines that tell of trouble, in either shape: the log's or the command line's.
    pub fn errors(&self) -> Vec<&str> {
        error_lines(&self.stderr)
    }

    /// Asserts the exit code and that exactly one line tells of trouble; returns that line.
    #[track_caller]
    pub fn one_error(&self, code: i32) -> &str {
        let errors = self.errors();
        assert_eq!((self.code, errors.len()), (code, 1), "want code {code} and one line of error:\n{}", self.stderr);
        errors[0]
    }
}

/// The lines of a log that tell of trouble.
pub fn error_lines(text: &str) -> Vec<&str> {
    let trouble = |line: &&str| {
        line.contains("[ERROR]")
            || line.contains("[CRITICAL]")
            || line.starts_with("error")
            || line.starts_with("rustcorn:")
    };
    text.lines().filter(trouble).collect()
}

impl Lab {
    /// A world for a test that may run beside others.
    pub fn new() -> Self {
        Self::build(Turn::shared())
    }

    /// A world for a test that measures or loads the machine: no other test runs meanwhile.
    pub fn alone() -> Self {
        Self::build(Turn::alone())
    }

    fn build(turn: Turn) -> Self {
        let dir = tempfile::Builder::new().prefix("rustcorn-test-").tempdir().expect("a directory");
        // Workers that run as somebody else must reach the application in here.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("open the directory");
        let lab = Self { dir, _turn: turn };
        symlink(apps::hello(), lab.path("libhello.so")).expect("the application");
        lab
    }

    /// The directory; also the working directory of what is started here.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("write a file");
        path
    }

    /// The file's text, empty if there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Makes the test applications loadable as `testapps`.
    pub fn with_testapps(self) -> Self {
        symlink(apps::testapps(), self.path("libtestapps.so")).expect("the test applications");
        self
    }

    /// A private copy of a library under the name `libNAME.so`, put in place by a rename as a deployment does.
    pub fn deploy(&self, library: &Path, name: &str) -> PathBuf {
        let path = self.path(&format!("lib{name}.so"));
        let fresh = self.path(&format!("lib{name}.so.new"));
        fs::copy(library, &fresh).expect("copy the library");
        fs::rename(&fresh, &path).expect("put it in place");
        path
    }

    /// The program with a clean environment, in the directory.
    pub fn command(&self) -> Command {
        let mut command = Command::new(apps::program());
        self.scrub(&mut command);
        command
    }

    /// Gives a command the clean environment and the directory.
    pub fn scrub(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.dir()).env("LANG", "C.UTF-8");
        command.current_dir(self.dir()).stdin(Stdio::null());
    }

    /// Runs the program to its end, which must come soon. The words of `args` are separated by spaces.
    #[track_caller]
    pub fn run(&self, args: &str) -> Outcome {
        let mut command = self.command();
        command.args(args.split_whitespace());
        self.outcome(command)
    }

    /// Runs a command to its end, which must come soon.
    #[track_caller]
    pub fn outcome(&self, mut command: Command) -> Outcome {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let out = Log::follow(child.stdout.take().expect("piped"));
        let err = Log::follow(child.stderr.take().expect("piped"));
        let id = child.id();
        let status = wait_until(&format!("{command:?} (pid {id}) ends"), SOON, || {
            let ended = child.try_wait().expect("our child");
            if ended.is_none() && out.text().len() + err.text().len() > 10_000_000 {
                let _ = child.kill();
            }
            ended
        });
        out.wait_ended(SOON);
        err.wait_ended(SOON);
        let code = status.code().unwrap_or_else(|| panic!("{command:?}: {status}\n{}", err.text()));
        Outcome { code, stdout: out.text(), stderr: err.text() }
    }

    /// `hello:router` on a port of the kernel's choice, with more arguments.
    pub fn launch(&self) -> Launch<'_> {
        Launch::new(self)
    }

    /// The same, started and serving.
    #[track_caller]
    pub fn serve(&self, args: &str) -> Server {
        self.launch().args(args).start()
    }

    /// Processes that work in this directory.
    pub fn inhabitants(&self) -> Vec<i32> {
        let dir = self.dir();
        let lives_here = |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
        proc::all().into_iter().filter(|stat| stat.state != 'Z').map(|stat| stat.pid).filter(lives_here).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for pid in self.inhabitants() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
