//! An application that is loaded by name: found, perhaps built, copied once per generation, loaded in each worker.

use crate::abi::Seat;
use crate::app::{self, AppSpec, Finder, Profile, Search, Snapshot, Watched};
use crate::arbiter::{Build, LaunchError, Launcher, PrepareError, WatchPlan, working_directory};
use crate::log;
use crate::settings::Settings;
use crate::types::Generation;
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
            let cwd = working_directory();
            let cwd = cwd.map_err(|error| format!("the working directory is not accessible: {error}"))?;
            self.finder = Some((app_dir.map(Path::to_owned), Finder::new(app_dir, &cwd)));
        }
        // Set just above.
        self.finder.as_ref().map(|(_, finder)| finder).ok_or_else(String::new)
    }

    fn snapshot(&self, generation: Generation) -> Result<&Snapshot, String> {
        let snapshot = self.snapshots.get(&generation);
        snapshot.ok_or_else(|| format!("the application of generation {generation} is not held any more"))
    }
}

impl Launcher for LibraryLauncher {
    fn prepare(&mut self, generation: Generation, settings: &Settings) -> Result<(), PrepareError> {
        let refused = |error: &dyn std::fmt::Display| PrepareError::Refused(error.to_string());
        let spec = spec(settings).map_err(|error| refused(&error))?;
        if settings.reload {
            // Whoever develops may have given the package another dependency to watch.
            self.finder = None;
        }
        let finder = self.finder(settings.app_dir.as_deref()).map_err(|error| refused(&error))?;
        let found = match finder.search(&spec).map_err(|error| refused(&error))? {
            Search::Library(found) => found,
            Search::Package(package) => {
                let build = Build::of(&package.build_command(Profile::here()));
                return Err(PrepareError::NotBuilt { name: package.name, build });
            }
        };
        log::info!("Using application: {} ({})", found.path.display(), found.describe(SystemTime::now()));
        let snapshot = Snapshot::take(&spec, &found.path).map_err(|error| refused(&error))?;
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
        app::load(self.snapshot(generation)?).map(|_| ())
    }

    fn launch(&self, generation: Generation, seat: &Seat) -> Result<i32, LaunchError> {
        Ok(app::launch(self.snapshot(generation)?, seat)?)
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
        Ok(WatchPlan { paths, names: None, build })
    }
}

fn spec(settings: &Settings) -> Result<AppSpec, String> {
    AppSpec::parse(settings.app.as_deref().unwrap_or_default()).map_err(|error| error.to_string())
}
