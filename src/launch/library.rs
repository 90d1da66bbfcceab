//! An application that is loaded by name: found, perhaps built, copied once per generation, loaded in each worker.

use crate::abi::{Seat, WORKER_PREFIX};
use crate::app::{self, AppSpec, Finder, Package, Profile, Search, Snapshot, Watched};
use crate::arbiter::{Build, Launcher, WatchPlan};
use crate::log;
use crate::settings::Settings;
use crate::sys::library::Library;
use crate::sys::process::die_with_parent;
use crate::types::{Generation, exit};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Launches applications from libraries.
#[derive(Default)]
pub struct LibraryLauncher {
    snapshots: BTreeMap<Generation, Snapshot>,
    /// Kept, because it asks cargo where it builds, and a reload must not wait for cargo.
    finder: Option<(Option<PathBuf>, Finder)>,
}

impl LibraryLauncher {
    fn finder(&mut self, app_dir: Option<&Path>) -> Result<&Finder, String> {
        if self.finder.as_ref().is_none_or(|(known, _)| known.as_deref() != app_dir) {
            let cwd = std::env::current_dir();
            let cwd = cwd.map_err(|error| format!("the working directory is not accessible: {error}"))?;
            self.finder = Some((app_dir.map(Path::to_owned), Finder::new(app_dir, &cwd)));
        }
        // Set just above.
        self.finder.as_ref().map(|(_, finder)| finder).ok_or_else(String::new)
    }
}

impl Launcher for LibraryLauncher {
    fn prepare(&mut self, generation: Generation, settings: &Settings, first: bool) -> Result<(), String> {
        let spec = spec(settings)?;
        let finder = self.finder(settings.app_dir.as_deref())?;
        let found = match finder.search(&spec).map_err(|error| error.to_string())? {
            Search::Library(found) => found,
            Search::Package(package) if first => {
                build(&package)?;
                finder.after_build(&spec).map_err(|error| error.to_string())?
            }
            Search::Package(package) => {
                let name = &package.name;
                return Err(format!("the library of {name} is gone; build it with cargo build --package {name}"));
            }
        };
        log::info!("Using application: {} ({})", found.path.display(), found.describe(SystemTime::now()));
        let snapshot = Snapshot::take(&spec, &found.path).map_err(|error| error.to_string())?;
        self.snapshots.insert(generation, snapshot);
        Ok(())
    }

    fn forget(&mut self, generation: Generation) {
        self.snapshots.remove(&generation);
    }

    fn descriptors(&self, generation: Generation) -> Vec<i32> {
        self.snapshots.get(&generation).map(|snapshot| snapshot.as_fd().as_raw_fd()).into_iter().collect()
    }

    fn rehearse(&self, generation: Generation) -> Result<(), String> {
        let Some(snapshot) = self.snapshots.get(&generation) else { return Err("no application is loaded".into()) };
        let library = Library::open(snapshot.as_fd());
        let main = library.and_then(|library| library.worker_main(&format!("{WORKER_PREFIX}{}", snapshot.export)));
        main.map(|_| ()).map_err(|complaint| format!("{} cannot be loaded: {complaint}", snapshot.origin.display()))
    }

    fn launch(&self, generation: Generation, seat: &Seat) -> i32 {
        match self.snapshots.get(&generation) {
            Some(snapshot) => app::launch(snapshot, seat),
            None => exit::APP_LOAD,
        }
    }

    fn watch(&self, settings: &Settings) -> Result<WatchPlan, String> {
        let spec = spec(settings)?;
        let (Some((_, finder)), Some(snapshot)) = (&self.finder, self.snapshots.values().next_back()) else {
            return Err("there is no application to watch yet".into());
        };
        let package = finder.package_of(&spec, &snapshot.origin);
        let watched = finder.watch_paths(&spec, &snapshot.origin).into_iter();
        let paths = watched.map(|(Watched::Tree(path) | Watched::File(path))| path).collect();
        let build = package.map(|package| Build::of(&package.build_command(Profile::of(&snapshot.origin))));
        Ok(WatchPlan { paths, build })
    }
}

fn spec(settings: &Settings) -> Result<AppSpec, String> {
    AppSpec::parse(settings.app.as_deref().unwrap_or_default()).map_err(|error| error.to_string())
}

/// The first build: cargo speaks to the terminal, and nothing else happens until it is done.
fn build(package: &Package) -> Result<(), String> {
    log::info!("building {}: it has no library yet", package.name);
    let mut command = package.build_command(Profile::here());
    die_with_parent(&mut command);
    let failed = |how: String| format!("cargo could not build {}: {how}", package.name);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("{status}; its messages are above"))),
        Err(error) => Err(failed(error.to_string())),
    }
}
