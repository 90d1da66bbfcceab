//! The first start: from settings to a running loop, in an order that publishes nothing before it is true.

use super::certificates::{self, Watch};
use super::cgroup::OomWatch;
use super::collect::Details;
use super::develop::Development;
use super::hooks::Server;
use super::launcher::Launcher;
use super::load::{self, LoadError, Loads, Names};
use super::logfile::LogFile;
use super::notify::ServiceManager;
use super::orders;
use super::roster::Roster;
use super::shell::Shell;
use super::upgrade::{Origin, Predecessor};
use super::zygote::Zygotes;
use super::{build, pidfile, terms, turn};
use crate::listeners::{self, Listeners};
use crate::log;
use crate::scoreboard::Scoreboard;
use crate::settings::{Resolved, Settings, SettingsSource};
use crate::supervisor::Machine;
use crate::sys;
use crate::sys::signal::Inbox;
use crate::types::{Generation, Mono, Pid, Signal, exit};

/// Seats on the scoreboard: the most workers and their successors together. Pages of unused seats cost nothing.
const SLOTS: u16 = 1024;

const SIGNALS: [Signal; 10] = [
    Signal::CHLD,
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::TTIN,
    Signal::TTOU,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// Starts and supervises until told to stop. Returns the exit code.
///
/// # Errors
/// When the start failed before a worker was forked: the exit code and one sentence.
pub fn run(source: &dyn SettingsSource, launcher: &mut dyn Launcher, resolved: Resolved) -> Result<i32, LoadError> {
    let Resolved { settings, warnings, provenance } = resolved;
    let inbox = open_inbox()?;
    let origin =
        Origin::remember(launcher.command()).map_err(|error| LoadError::step("remember how it was started", error))?;
    let predecessor = Predecessor::from_env().map_err(LoadError::failure)?;
    change_directory(&settings)?;
    let names = load::look_up(&settings, None)?;
    start_log(&settings, &names)?;
    log::info!("Starting rustcorn {}", env!("CARGO_PKG_VERSION"));
    for warning in warnings {
        log::warn!("{warning}");
    }
    for (key, origin) in provenance {
        log::debug!("setting {key}: from {origin}");
    }
    let in_file = settings.log_path().is_some();
    let started = start(source, launcher, (settings, names), origin, predecessor, inbox);
    if let Err(error) = &started
        && in_file
    {
        log::critical!("{error}");
    }
    started
}

/// Before anything else: from here on no signal is lost, and none kills us in the middle of something. Whatever mask
/// and handlers we were started with do not count.
fn open_inbox() -> Result<Inbox, LoadError> {
    sys::signal::reset_handlers();
    let inbox = Inbox::install(&SIGNALS);
    let inbox = inbox.and_then(|inbox| sys::signal::unblock_all().map(|()| inbox));
    inbox.map_err(|error| LoadError::step("install the signal handlers", error))
}

fn start(
    source: &dyn SettingsSource,
    launcher: &mut dyn Launcher,
    (settings, names): (Settings, Names),
    origin: Origin,
    mut predecessor: Option<Predecessor>,
    mut inbox: Inbox,
) -> Result<i32, LoadError> {
    // May build, and build for long: before anything is held that others could want.
    build::prepare(launcher, &settings, &mut inbox)?;
    if let Some(path) = &settings.pidfile {
        let checked = match predecessor {
            Some(_) => pidfile::check(&pidfile::second(path)),
            None => pidfile::check(path),
        };
        checked.map_err(LoadError::failure)?;
    }
    let detach = settings.daemon && predecessor.is_none();
    if !detach {
        starting(launcher, &settings)?;
    }
    let inherited = inherited_listeners(predecessor.as_mut(), &settings)?;
    let load = load::open(settings, names, inherited.as_ref().as_slice(), None)?;
    drop(inherited);
    let settings = load.settings.clone();
    let development = settings.reload.then(|| Development::start(&settings, launcher)).transpose();
    let development = development.map_err(LoadError::failure)?;
    let terms = terms::terms(&settings, load::builds(launcher, &settings));
    let readiness = detach.then(sys::daemon::detach).transpose();
    let readiness = readiness.map_err(|error| LoadError::step("become a daemon", error))?;
    // From here on this is the process that stays.
    if detach {
        starting(launcher, &settings)?;
    }
    let own = Pid(std::process::id().cast_signed());
    let now = sys::clock::now();
    let mut loads = Loads::default();
    loads.insert(Generation::FIRST, load);
    let manager = ServiceManager::from_env(now, own, predecessor.is_some());
    let scoreboard = Scoreboard::create(SLOTS).map_err(|error| LoadError::step("make the scoreboard", error))?;
    let lifeline = sys::pipe::nonblocking().map_err(|error| LoadError::step("make a pipe", error))?;
    let mut shell = Shell {
        source,
        launcher,
        loads,
        details: Details::default(),
        roster: Roster::default(),
        scoreboard,
        lifeline,
        inbox,
        manager,
        oom: OomWatch::start(),
        pidfile: None,
        successor: None,
        predecessor,
        development,
        watch: Watch::default(),
        readiness,
        origin,
        daemonized: settings.daemon,
        log_generation: Generation::FIRST,
        leave_until: Mono(0),
        leavers: Vec::new(),
        own,
        zygotes: Zygotes::default(),
        forks: 0,
        later: Vec::new(),
        wanted: None,
    };
    shell.watch_certificates();
    shell.watch.look_soon();
    shell.title("");
    shell.log_listeners(Generation::FIRST);
    let kind = shell.launcher.kind(&settings);
    log::info!("Using worker: {}", describe(kind, &settings));
    if let Some(Err(reason)) = shell.with_hooks(|hooks, server| hooks.listening(server)) {
        return Err(LoadError::failure(reason));
    }
    let mut machine = Machine::new(terms, Generation::FIRST, SLOTS);
    if shell.predecessor.is_some() {
        machine = machine.beside_another();
    }
    let code = turn::run(&mut shell, &mut machine);
    if shell.predecessor.as_mut().is_some_and(Predecessor::read_promotion) {
        // It left at the same moment, and so relies on us.
        shell.own_socket_files();
    }
    if let Some(readiness) = shell.readiness.take() {
        // It never served, whatever the reason: that is no success for the one who launched it.
        let told = if code == exit::OK { exit::FAILURE } else { code };
        readiness.tell(u8::try_from(told).unwrap_or(1));
    }
    shell.with_hooks(|hooks, server| hooks.exiting(server));
    log::info!("Shutting down: Master (exit code {code})");
    Ok(code)
}

/// The operator's first word.
fn starting(launcher: &dyn Launcher, settings: &Settings) -> Result<(), LoadError> {
    let own = Pid(std::process::id().cast_signed());
    let server = Server { pid: own, settings, addresses: settings.bind.clone(), wanted: settings.workers };
    launcher.hooks().starting(&server).map_err(LoadError::failure)
}

/// Everything that a start would check, up to loading the application; nothing is bound, served or changed.
///
/// # Errors
/// The first thing that a start would stumble over.
pub fn check(launcher: &mut dyn Launcher, resolved: &Resolved) -> Result<(), LoadError> {
    let Resolved { settings, warnings, .. } = resolved;
    for warning in warnings {
        log::warn!("{warning}");
    }
    let mut inbox = open_inbox()?;
    change_directory(settings)?;
    let names = load::look_up(settings, None)?;
    certificates::check(settings)?;
    LogFile::check(settings, &names.identity)?;
    // The application may need it to be loaded.
    for (name, value) in &names.environment {
        sys::env::set(name, value);
    }
    build::prepare(launcher, settings, &mut inbox)?;
    // Its initialisers run here, and may hang: whoever waits for the check can end it.
    drop(inbox);
    sys::signal::reset_handlers();
    let unloadable = |message| LoadError { code: exit::APP_LOAD, message };
    launcher.rehearse(Generation::FIRST).map_err(unloadable)
}

fn change_directory(settings: &Settings) -> Result<(), LoadError> {
    let Some(folder) = &settings.chdir else { return Ok(()) };
    let changed = std::path::absolute(folder).and_then(|folder| std::env::set_current_dir(&folder).map(|()| folder));
    let folder = changed.map_err(|error| {
        LoadError::failure(format!("cannot change to the directory {} (option `chdir`): {error}", folder.display()))
    })?;
    // As a shell does: by the way that was taken, with its links.
    sys::env::set("PWD", folder);
    Ok(())
}

fn start_log(settings: &Settings, names: &Names) -> Result<(), LoadError> {
    let orders = orders::log_orders(settings, names.syslog.as_ref());
    log::init(orders, LogFile::open(settings, &names.identity)?.keep());
    Ok(())
}

/// Sockets that somebody else opened for us: the arbiter that we upgrade, or systemd.
fn inherited_listeners(
    predecessor: Option<&mut Predecessor>,
    settings: &Settings,
) -> Result<Option<Listeners>, LoadError> {
    if let Some(predecessor) = predecessor {
        return Ok(predecessor.listeners.take());
    }
    let activated = listeners::inherit_systemd(sys::env::take).map_err(LoadError::failure)?;
    if activated.is_some() {
        log::info!("systemd passed the sockets: `bind` ({}) is not used", settings.bind.join(", "));
    }
    Ok(activated)
}

fn describe(kind: &str, settings: &Settings) -> String {
    let threads = if settings.threads > 1 { format!("{} threads", settings.threads) } else { "1 thread".into() };
    format!("{kind} ({}, {threads} each)", terms::app_name(settings))
}
