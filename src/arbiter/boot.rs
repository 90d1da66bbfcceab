//! The first start: from settings to a running loop, in an order that publishes nothing before it is true.

use super::cgroup::OomWatch;
use super::develop::Development;
use super::launcher::Launcher;
use super::load::{self, LoadError, Loads};
use super::notify::ServiceManager;
use super::roster::Roster;
use super::shell::Shell;
use super::upgrade::{Origin, Predecessor};
use super::{pidfile, terms, turn};
use crate::listeners::{self, Listeners};
use crate::log;
use crate::scoreboard::Scoreboard;
use crate::settings::{Resolved, Settings, SettingsSource};
use crate::supervisor::Machine;
use crate::sys;
use crate::sys::signal::Inbox;
use crate::types::{Generation, Pid, Signal, exit};

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
    let origin = Origin::remember().map_err(LoadError::failure)?;
    let predecessor = Predecessor::from_env().map_err(LoadError::failure)?;
    change_directory(&settings)?;
    start_log(&settings)?;
    log::info!("Starting rustcorn {}", env!("CARGO_PKG_VERSION"));
    for warning in warnings {
        log::warn!("{warning}");
    }
    for (key, origin) in provenance {
        log::debug!("setting {key}: from {origin}");
    }
    let in_file = terms::log_orders(&settings).path.is_some();
    let started = start(source, launcher, settings, origin, predecessor);
    if let Err(error) = &started
        && in_file
    {
        log::critical!("{error}");
    }
    started
}

fn start(
    source: &dyn SettingsSource,
    launcher: &mut dyn Launcher,
    settings: Settings,
    origin: Origin,
    mut predecessor: Option<Predecessor>,
) -> Result<i32, LoadError> {
    // May build, and build for long: before anything is held that others could want.
    let prepared = launcher.prepare(Generation::FIRST, &settings, true);
    prepared.map_err(|message| LoadError { code: exit::APP_LOAD, message })?;
    if let Some(path) = &settings.pidfile {
        let checked = match predecessor {
            Some(_) => pidfile::check(&pidfile::second(path)),
            None => pidfile::check(path),
        };
        checked.map_err(LoadError::failure)?;
    }
    let inherited = inherited_listeners(predecessor.as_mut(), &settings)?;
    let load = load::open(settings, inherited.as_ref())?;
    drop(inherited);
    let settings = load.settings.clone();
    let development = settings.reload.then(|| Development::start(&settings, launcher)).transpose();
    let development = development.map_err(LoadError::failure)?;
    let terms = terms::terms(&settings, load::builds(launcher, &settings));
    let detach = settings.daemon && predecessor.is_none();
    let readiness = if detach { Some(sys::daemon::detach().map_err(LoadError::failure)?) } else { None };
    // From here on this is the process that stays.
    let own = Pid(std::process::id().cast_signed());
    let now = sys::clock::now();
    let mut loads = Loads::default();
    loads.insert(Generation::FIRST, load);
    let manager = ServiceManager::from_env(now, own, predecessor.is_some());
    let mut shell = Shell {
        source,
        launcher,
        loads,
        roster: Roster::default(),
        scoreboard: Scoreboard::create(SLOTS).map_err(LoadError::failure)?,
        lifeline: sys::pipe::nonblocking().map_err(LoadError::failure)?,
        inbox: Inbox::install(&SIGNALS).map_err(LoadError::failure)?,
        manager,
        oom: OomWatch::start(),
        pidfile: None,
        successor: None,
        predecessor,
        development,
        readiness,
        origin,
        daemonized: settings.daemon,
        log_generation: Generation::FIRST,
        own,
    };
    shell.share_socket_paths();
    shell.title("");
    shell.log_listeners(Generation::FIRST);
    log::info!("Using worker: {}", describe(&settings));
    let code = turn::run(&mut shell, &mut Machine::new(terms, Generation::FIRST, SLOTS));
    if let Some(readiness) = shell.readiness.take() {
        readiness.tell(u8::try_from(code).unwrap_or(1));
    }
    log::info!("Shutting down: Master (exit code {code})");
    Ok(code)
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
    change_directory(settings)?;
    load::look_up(settings)?;
    log::destination(&terms::log_orders(settings)).map_err(LoadError::failure)?;
    let unloadable = |message| LoadError { code: exit::APP_LOAD, message };
    launcher.prepare(Generation::FIRST, settings, true).map_err(unloadable)?;
    launcher.rehearse(Generation::FIRST).map_err(unloadable)
}

fn change_directory(settings: &Settings) -> Result<(), LoadError> {
    let Some(folder) = &settings.chdir else { return Ok(()) };
    std::env::set_current_dir(folder).map_err(|error| {
        LoadError::failure(format!("cannot change to the directory {} (option `chdir`): {error}", folder.display()))
    })
}

fn start_log(settings: &Settings) -> Result<(), LoadError> {
    let (identity, _) = load::look_up(settings)?;
    log::init(terms::log_orders(settings), load::open_log(settings, &identity)?);
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

fn describe(settings: &Settings) -> String {
    let threads = if settings.threads > 1 { format!("{} threads", settings.threads) } else { "1 thread".into() };
    format!("rust ({}, {threads} each)", terms::app_name(settings))
}
