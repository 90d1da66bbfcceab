//! How a server is started: its arguments, its environment, and what stands between it and the test.

use super::apps;
use super::lab::Lab;
use super::server::Server;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A start in preparation.
pub struct Launch<'lab> {
    pub(super) lab: &'lab Lab,
    through: Vec<OsString>,
    program: PathBuf,
    app: Option<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    bind: bool,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    pub(super) log_file: Option<PathBuf>,
    pub(super) pid_file: Option<PathBuf>,
}

impl<'lab> Launch<'lab> {
    pub(super) fn new(lab: &'lab Lab) -> Self {
        let app = Some("hello:router".into());
        let (through, args, env) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            lab,
            through,
            program: apps::program().to_owned(),
            app,
            args,
            env,
            bind: true,
            stdin: None,
            stdout: None,
            stderr: None,
            log_file: None,
            pid_file: None,
        }
    }

    /// Another application.
    pub fn app(mut self, app: &str) -> Self {
        self.app = Some(app.into());
        self
    }

    /// Another program: a copy of ours, or one with an application linked in.
    pub fn program(mut self, path: PathBuf) -> Self {
        self.program = path;
        self
    }

    /// No application on the command line.
    pub fn no_app(mut self) -> Self {
        self.app = None;
        self
    }

    /// More arguments, separated by spaces.
    pub fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(OsString::from));
        self
    }

    /// One more argument, spaces and all.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// A variable of the environment.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.into(), value.as_ref().to_owned()));
        self
    }

    /// What a build needs to find cargo, its registry and the place where the tests build.
    pub fn with_cargo(mut self) -> Self {
        for key in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "SSL_CERT_FILE"] {
            if let Some(value) = std::env::var_os(key) {
                self = self.env(key, value);
            }
        }
        self.env("CARGO_TARGET_DIR", apps::target_dir())
    }

    /// Without the usual `--bind 127.0.0.1:0`.
    pub fn no_bind(mut self) -> Self {
        self.bind = false;
        self
    }

    /// Started by another program that ends in an exec of its arguments (`setpriv`, `sh -c`).
    pub fn through(mut self, words: &[&str]) -> Self {
        self.through.extend(words.iter().map(OsString::from));
        self
    }

    /// Descriptor 0, for sockets that are handed over.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Descriptor 1.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Descriptor 2, instead of the pipe that the test reads as the log.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// The operator log in a file of the lab; the test reads it there.
    pub fn log_file(mut self, name: &str) -> Self {
        let path = self.lab.path(name);
        self.log_file = Some(path.clone());
        self.arg("--error-logfile").arg(path)
    }

    /// A pid file in the lab; it must be gone in the end.
    pub fn pid_file(mut self, name: &str) -> Self {
        let path = self.lab.path(name);
        self.pid_file = Some(path.clone());
        self.arg("--pid").arg(path)
    }

    /// The whole command.
    pub fn command(&mut self) -> Command {
        let mut words = self.through.clone();
        words.push(self.program.clone().into());
        words.extend(self.app.clone());
        if self.bind {
            words.extend(["--bind".into(), "127.0.0.1:0".into()]);
        }
        words.extend(self.args.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.lab.scrub(&mut command);
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        if let Some(stdin) = self.stdin.take() {
            command.stdin(stdin);
        }
        // A group of its own: the test finds and ends every process of this start by it.
        command.process_group(0);
        command
    }

    /// Starts it and returns at once.
    #[track_caller]
    pub fn spawn(mut self) -> Server {
        let mut command = self.command();
        command.stdout(self.stdout.take().unwrap_or_else(Stdio::null));
        command.stderr(self.stderr.take().unwrap_or_else(Stdio::piped));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Server::new(child, self.log_file, self.pid_file)
    }

    /// Starts it and waits until it says where it listens and answers there.
    #[track_caller]
    pub fn start(self) -> Server {
        let server = self.spawn();
        server.wait_serving();
        server
    }
}
