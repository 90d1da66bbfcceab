//! The table: every option, once.
//!
//! One row gives the field of [`Settings`] with its type and default, the flag, the variable, the TOML key, the range, the
//! help (the first line of its comment), the manual's text (the rest) and whether a reload can change it. Everything else
//! is derived. Names, flags and meanings are Gunicorn's where Gunicorn has them.

use super::field::{Colors, Field, LogFormat};
use super::kind::{Item, Kind, NO_LIMIT};
use super::spec::{Foreign, OptionSpec, Section};
use crate::types::Level;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Any count.
const ANY: Kind = Kind::Integer { min: 0, max: NO_LIMIT };

/// The most workers and the most threads: far beyond any use, and within the scoreboard.
const MANY: Kind = Kind::Integer { min: 1, max: 512 };

const fn new(section: Section, kind: Kind) -> OptionSpec {
    OptionSpec::new(section, kind)
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr => $row:expr;)+) => {
        /// Every option with its value.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// Every option, in the order in which help, manual and reference show them.
        pub static OPTIONS: &[OptionSpec] = &[$($row.field(
            stringify!($field),
            &[$($doc),+],
            |settings, kind| settings.$field.to_value(kind),
            |settings, value| match <$type as Field>::from_value(value) {
                Some(value) => {
                    settings.$field = value;
                    true
                }
                None => false,
            },
            |settings, from| settings.$field.clone_from(&from.$field),
        ),)+];
    };
}

options! {
    /// The application: LIBRARY:ROUTER, as in `hello:router`.
    ///
    /// LIBRARY is a name or a path of a library that exports a router. A name is looked for as libNAME.so in app_dir, the
    /// working directory, target/release and target/debug; if there is none but a cargo package of that name is, the
    /// package is built first. ROUTER is the exported name, `router` if it is left out.
    app: Option<String> = None => new(Section::Application, Kind::Text { name: "APP" }).positional();

    /// Look for the application's library in this directory first.
    app_dir: Option<PathBuf> = None => new(Section::Application, Kind::Text { name: "DIR" });

    /// Change to this directory before anything is loaded.
    ///
    /// Relative paths in the settings, other than that of the settings file, are relative to it.
    chdir: Option<PathBuf> = None => new(Section::Application, Kind::Text { name: "DIR" }).at_start_only();

    /// Set an environment variable for the application, as NAME=VALUE.
    ///
    /// May be repeated. A reload that no longer has it takes it back.
    env: Vec<(String, String)> = Vec::new() => new(Section::Application, Kind::List(Item::Pair))
        .key("raw_env").short('e').long("env");

    /// Listen on this address.
    ///
    /// May be repeated. HOST:PORT, [IPV6]:PORT, :PORT or PORT (every IPv4 interface), HOST (port 8000), unix:PATH, or
    /// fd://N for a socket that was inherited. Port 0 takes a free port and logs it. Sockets that a service manager passes
    /// (LISTEN_FDS) are used instead. If PORT is in the environment and nothing else says where to listen, the
    /// address is 0.0.0.0:$PORT.
    bind: Vec<String> = vec!["127.0.0.1:8000".to_owned()] => new(Section::Listening, Kind::List(Item::Text { name: "ADDRESS" }))
        .short('b').foreign(Foreign::Port("PORT"));

    /// How many connections may wait to be accepted.
    ///
    /// The system may have a lower limit (net.core.somaxconn).
    backlog: i32 = 2048 => new(Section::Listening, Kind::Integer { min: 1, max: i32::MAX as u64 }).at_start_only();

    /// Give each worker a listening socket of its own (SO_REUSEPORT).
    ///
    /// The kernel then deals connections out by a hash of their addresses. Without it the workers share one socket,
    /// which spreads long connections more evenly.
    reuse_port: bool = false => new(Section::Listening, Kind::Switch).at_start_only();

    /// How many worker processes serve.
    ///
    /// TTIN and TTOU change the number while it runs, until the next reload. The default is taken from WEB_CONCURRENCY in
    /// the environment, if that is set.
    workers: u16 = 1 => new(Section::Workers, MANY).short('w').foreign(Foreign::Value("WEB_CONCURRENCY"));

    /// How many threads each worker runs its event loop on.
    ///
    /// One is the fastest for handlers that do not block. More than one lets another thread go on while a handler
    /// computes.
    threads: usize = 1 => new(Section::Workers, MANY);

    /// How many connections each worker has open at most.
    ///
    /// Further ones wait in the accept queue.
    worker_connections: usize = 1000 => new(Section::Workers, Kind::Integer { min: 1, max: 1_000_000 });

    /// Let the least loaded worker take the next connection.
    ///
    /// A worker holds back for about a millisecond at most while another has fewer connections. Without it the kernel
    /// tends to give most of the long connections to one worker.
    balance: bool = true => new(Section::Workers, Kind::Switch);

    /// Replace a worker after this many requests; 0: never.
    ///
    /// The successor is ready before the worker stops accepting, so that no request is lost.
    max_requests: u64 = 0 => new(Section::Recycling, ANY);

    /// Add up to this many requests to max_requests, at random for each worker.
    ///
    /// It keeps the workers from being replaced all at once.
    max_requests_jitter: u64 = 0 => new(Section::Recycling, ANY);

    /// Replace a worker at this age; 0: never.
    max_worker_lifetime: Duration = Duration::ZERO => new(Section::Recycling, Kind::Seconds);

    /// Add up to this much to max_worker_lifetime, at random for each worker.
    max_worker_lifetime_jitter: Duration = Duration::ZERO => new(Section::Recycling, Kind::Seconds);

    /// Replace a worker whose resident memory exceeds this; 0: never.
    ///
    /// In bytes, or with the suffix K, M or G as in 512M.
    max_rss: u64 = 0 => new(Section::Recycling, Kind::Bytes);

    /// Kill and replace a worker that has given no sign of life for this long; 0: never.
    ///
    /// It is a limit for a worker that hangs, not for a request: a handler that waits does not stop the worker's heart. The
    /// requests that the worker holds and a stack trace are logged first.
    timeout: Duration = Duration::from_secs(30) => new(Section::Timeouts, Kind::Seconds).short('t');

    /// How long a worker that is being stopped or replaced may finish what it holds.
    ///
    /// What is left then is cut, and the count is logged.
    graceful_timeout: Duration = Duration::from_secs(30) => new(Section::Timeouts, Kind::Seconds);

    /// How long a worker may take to load the application; 0: for ever.
    ///
    /// On the first start the server then exits with code 3; on a reload the workers of before go on serving.
    boot_timeout: Duration = Duration::from_secs(60) => new(Section::Timeouts, Kind::Seconds);

    /// Close a connection that has been idle between two requests for this long.
    keepalive: Duration = Duration::from_secs(2) => new(Section::Timeouts, Kind::Seconds).long("keep-alive");

    /// How many workers beyond their number a reload may start at a time; 0: as many as there are workers.
    ///
    /// More is faster, fewer takes less memory.
    reload_surge: u16 = 0 => new(Section::Reloading, Kind::Integer { min: 0, max: 512 });

    /// For development: build and reload when the sources or the library change.
    ///
    /// When the build fails, the compiler's errors are shown and the last good build goes on serving.
    reload: bool = false => new(Section::Reloading, Kind::Switch).at_start_only();

    /// With reload, watch this file or pattern too.
    ///
    /// May be repeated. Patterns are those of a shell, as in `templates/**/*.html`.
    reload_extra_files: Vec<String> = Vec::new() => new(Section::Reloading, Kind::List(Item::Text { name: "PATTERN" }))
        .long("reload-extra-file").at_start_only();

    /// With reload, wait this long after the last change.
    reload_delay: Duration = Duration::from_millis(250) => new(Section::Reloading, Kind::Seconds);

    /// Run in the background.
    ///
    /// The command returns when the server is ready to serve, or with its exit code if it cannot. Under a service manager
    /// leave it off.
    daemon: bool = false => new(Section::Process, Kind::Switch).short('D').at_start_only();

    /// Write the process id to this file.
    ///
    /// A file that a dead process left behind is replaced; one of a living process ends the start. During an upgrade the new
    /// process writes to the same name with .2 at its end.
    pidfile: Option<PathBuf> = None => new(Section::Process, Kind::Text { name: "FILE" })
        .short('p').long("pid").at_start_only();

    /// Run the workers as this user.
    ///
    /// A name or a number. It takes the rights of root to start.
    user: Option<String> = None => new(Section::Process, Kind::Account { name: "USER" }).short('u').at_start_only();

    /// Run the workers as this group.
    ///
    /// A name or a number; the group of the user if only user is set.
    group: Option<String> = None => new(Section::Process, Kind::Account { name: "GROUP" }).short('g').at_start_only();

    /// Give the workers all groups that the user is a member of.
    initgroups: bool = false => new(Section::Process, Kind::Switch).at_start_only();

    /// Take these permission bits away from files and sockets that are created.
    ///
    /// Octal numbers are written with a leading 0 or 0o on the command line and with 0o in the file; 18, 022, 0o22 and 0x12
    /// are the same mask.
    umask: u32 = 0 => new(Section::Process, Kind::Mode).short('m').at_start_only();

    /// Show this name in the list of processes.
    ///
    /// Process titles say the role, and for a worker its slot, generation and application.
    proc_name: Option<String> = None => new(Section::Process, Kind::Text { name: "NAME" }).short('n').long("name");

    /// As a daemon, keep standard input, output and error.
    enable_stdio_inheritance: bool = false => new(Section::Process, Kind::Switch).short('R').at_start_only();

    /// Write the log to this file; `-`: standard error.
    ///
    /// USR1 opens the file anew, for the sake of logrotate.
    errorlog: String = "-".to_owned() => new(Section::Logging, Kind::Text { name: "FILE" })
        .long("error-logfile").aliases(&["log-file"]);

    /// Log what is at least this important.
    loglevel: Level = Level::Info => new(Section::Logging, Kind::Choice {
        names: &["debug", "info", "warning", "error", "critical"],
        switch: None,
    }).long("log-level");

    /// How a line of the log looks.
    ///
    /// Either Gunicorn's shape or one JSON object a line.
    log_format: LogFormat = LogFormat::Text => new(Section::Logging, Kind::Choice {
        names: &["text", "json"],
        switch: None,
    });

    /// Colour the log.
    ///
    /// With auto, if it goes to a terminal.
    use_colors: Colors = Colors::Auto => new(Section::Logging, Kind::Choice {
        names: &["auto", "always", "never"],
        switch: Some(("always", "never")),
    });

    /// Read the settings from this TOML file.
    ///
    /// Without it, rustcorn.toml in the directory of the start is read if it exists. A reload reads it again.
    config: Option<PathBuf> = None => new(Section::Settings, Kind::Text { name: "FILE" }).short('c').not_in_file();

    /// Check the settings, load the application, serve nothing.
    ///
    /// The exit code says whether a start would succeed.
    check_config: bool = false => new(Section::Settings, Kind::Switch).not_in_file();

    /// Show every setting and where it comes from, as TOML, then check as check_config does.
    print_config: bool = false => new(Section::Settings, Kind::Switch).not_in_file();
}

impl Settings {
    /// Keeps the values of `current` wherever only a new start could change them.
    pub fn keep_fixed(&mut self, current: &Self) {
        for spec in OPTIONS.iter().filter(|spec| !spec.reloadable) {
            spec.copy(self, current);
        }
    }

    /// The file of the operator log; none: standard error.
    #[must_use]
    pub fn log_path(&self) -> Option<&Path> {
        match self.errorlog.as_str() {
            "-" | "" => None,
            path => Some(Path::new(path)),
        }
    }
}
