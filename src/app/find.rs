//! Which file an application's name means: a path as it is; else `--app-dir`, the working directory, then the newest
//! that cargo has built; else the package that it could be built from.
//!
//! Looks at the disk, loads nothing. Cargo is asked at most once, and only if the first places have no such library, so
//! a server without sources never runs it and a reload never waits for it.

use super::cargo::{Package, Workspace};
use super::error::AppError;
use super::spec::{AppSpec, LibrarySpec};
use super::watch::{Watched, watch_paths};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Searches from one working directory, as often as asked.
#[derive(Debug)]
pub struct Finder {
    app_dir: Option<PathBuf>,
    cwd: PathBuf,
    /// `CARGO_TARGET_DIR`, for a working directory that is in no workspace.
    target_dir: Option<PathBuf>,
    workspace: OnceCell<Result<Option<Workspace>, String>>,
}

/// The answer of a search.
#[derive(Clone, Debug)]
pub enum Search {
    /// It is there.
    Library(Found),
    /// It is not, but this package makes it.
    Package(Package),
}

/// A library, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// "in the working directory", "newer than the one in target/debug", ...; empty for a path that was given.
    pub why: String,
    /// When it was written.
    pub modified: SystemTime,
}

impl Finder {
    /// A search from `cwd` (after `chdir`), in `app_dir` first.
    #[must_use]
    pub fn new(app_dir: Option<&Path>, cwd: &Path) -> Self {
        let target_dir = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
        Self {
            app_dir: app_dir.map(|dir| cwd.join(dir)),
            cwd: cwd.to_owned(),
            target_dir: target_dir.map(|dir| cwd.join(dir)),
            workspace: OnceCell::new(),
        }
    }

    /// The library that `spec` names, or the package to build it from.
    ///
    /// # Errors
    /// Neither exists (the sentence lists where it looked), the package makes no library, or it is a Python module.
    pub fn search(&self, spec: &AppSpec) -> Result<Search, AppError> {
        let name = match &spec.library {
            LibrarySpec::Path(path) => return self.given(spec, path).map(Search::Library),
            LibrarySpec::Name(name) => name,
        };
        let file = spec.file_name();
        let direct = [(self.app_dir.as_deref(), "in --app-dir"), (Some(&self.cwd), "in the working directory")];
        for (place, why) in direct {
            if let Some(found) = place.and_then(|place| Found::at(place.join(&file), why)) {
                return Ok(Search::Library(found));
            }
        }
        let package = self.workspace().and_then(|workspace| workspace.package(name));
        // The package's library may have another name than the package.
        let built = package.and_then(Package::file_name).unwrap_or_else(|| file.clone());
        if let Some(found) = newest(&self.build_folders(), &built) {
            return Ok(Search::Library(found));
        }
        if let Some(package) = package {
            return package.check_library().map(|()| Search::Package(package.clone()));
        }
        if self.is_python(name) {
            return Err(AppError::Python { name: name.clone() });
        }
        Err(AppError::NotFound { file, looked_in: self.looked_in(), hint: self.hint(name) })
    }

    /// The library of a package that has just been built.
    ///
    /// # Errors
    /// If it is still not there.
    pub fn after_build(&self, spec: &AppSpec) -> Result<Found, AppError> {
        match self.search(spec)? {
            Search::Library(found) => Ok(found),
            Search::Package(package) => Err(AppError::BuiltNowhere {
                file: package.file_name().unwrap_or_default(),
                looked_in: self.looked_in(),
                package: package.name,
            }),
        }
    }

    /// The package that `library` was built from, if it lies where cargo builds and there is such a package. What
    /// `--reload` builds.
    #[must_use]
    pub fn package_of(&self, spec: &AppSpec, library: &Path) -> Option<Package> {
        let workspace = self.workspace()?;
        let library = self.cwd.join(library).canonicalize().ok()?;
        let target = workspace.target.canonicalize().ok()?;
        let package = workspace.package(spec.package_name()?)?;
        (library.starts_with(target) && package.library().is_some()).then(|| package.clone())
    }

    /// What `--reload` watches: the sources of the library's package and of the packages that it is made of, or else
    /// the library itself.
    #[must_use]
    pub fn watch_paths(&self, spec: &AppSpec, library: &Path) -> Vec<Watched> {
        match (self.workspace(), self.package_of(spec, library)) {
            (Some(workspace), Some(package)) => watch_paths(workspace, &package),
            _ => vec![Watched::File(self.cwd.join(library))],
        }
    }

    fn given(&self, spec: &AppSpec, path: &Path) -> Result<Found, AppError> {
        let full = self.cwd.join(path);
        let file = |problem: String| AppError::File { path: path.to_owned(), problem };
        match std::fs::metadata(&full) {
            Ok(there) if there.is_dir() => {
                Err(file(format!("is a directory; name the library in it, as in {}/libhello.so", path.display())))
            }
            Ok(there) => Ok(Found {
                path: full,
                why: String::new(),
                modified: there.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let build = self.workspace().zip(spec.package_name());
                let build = build.and_then(|(workspace, name)| workspace.package(name));
                let hint = build.map_or_else(String::new, |package| {
                    format!("; the package {} can be built with cargo build --package {0}", package.name)
                });
                Err(file(format!("does not exist{hint}")))
            }
            Err(error) => Err(file(format!("cannot be read: {error}"))),
        }
    }

    fn workspace(&self) -> Option<&Workspace> {
        self.asked().as_ref().ok()?.as_ref()
    }

    fn asked(&self) -> &Result<Option<Workspace>, String> {
        self.workspace.get_or_init(|| Workspace::around(&self.cwd))
    }

    /// Every folder in which cargo may have left a library, with the name it has in messages.
    fn build_folders(&self) -> Vec<(PathBuf, String)> {
        let workspace = self.workspace().map(|workspace| workspace.target.clone());
        let mut targets =
            vec![workspace.or_else(|| self.target_dir.clone()).unwrap_or_else(|| self.cwd.join("target"))];
        let usual = self.cwd.join("target");
        if !targets.contains(&usual) {
            targets.push(usual);
        }
        let mut folders = Vec::new();
        for target in targets {
            // With a target triple, given or in cargo's settings, builds go one folder deeper.
            let ours = format!("{}-", std::env::consts::ARCH);
            let triples = std::fs::read_dir(&target).into_iter().flatten().flatten();
            let triples = triples.filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours));
            let places: Vec<PathBuf> =
                std::iter::once(target.clone()).chain(triples.map(|entry| entry.path())).collect();
            folders.extend(places.iter().flat_map(|place| ["release", "debug"].map(|profile| place.join(profile))));
        }
        folders.into_iter().map(|folder| (folder.clone(), self.shown(&folder))).collect()
    }

    /// A path as short as it can be understood.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.cwd).unwrap_or(path).display().to_string()
    }

    fn looked_in(&self) -> Vec<String> {
        let app_dir = self.app_dir.iter().map(|dir| format!("{} (--app-dir)", dir.display()));
        let cwd = std::iter::once(format!("{} (the working directory)", self.cwd.display()));
        app_dir.chain(cwd).chain(self.build_folders().into_iter().map(|(_, shown)| shown)).collect()
    }

    fn is_python(&self, name: &str) -> bool {
        let is_module =
            |dir: &PathBuf| dir.join(format!("{name}.py")).is_file() || dir.join(name).join("__init__.py").is_file();
        self.app_dir.iter().chain([&self.cwd]).any(is_module)
    }

    /// What else may help somebody whose library was not found.
    fn hint(&self, name: &str) -> String {
        match self.asked() {
            Err(complaint) => format!("; the cargo workspace here cannot be read: {complaint}"),
            Ok(None) => "; there is no cargo workspace here to build it from".to_owned(),
            Ok(Some(workspace)) => match workspace.candidates(name).as_slice() {
                [] => format!("; the cargo workspace {} has no package {name}", workspace.root.display()),
                [one] => format!("; the cargo workspace has no package {name}, but {one}"),
                many => {
                    let some = many.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                    format!("; the cargo workspace has no package {name}, but {some}")
                }
            },
        }
    }
}

impl Found {
    fn at(path: PathBuf, why: &str) -> Option<Self> {
        let there = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let modified = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self { path, why: why.to_owned(), modified })
    }

    /// "newer than the one in target/debug, built 3 min ago": what stands behind the path in the log.
    #[must_use]
    pub fn describe(&self, now: SystemTime) -> String {
        let age = match now.duration_since(self.modified).unwrap_or_default().as_secs() {
            seconds @ 0..60 => format!("{seconds} s"),
            seconds @ 60..3_600 => format!("{} min", seconds / 60),
            seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
            seconds => format!("{} days", seconds / 86_400),
        };
        let gap = if self.why.is_empty() { "" } else { ", " };
        format!("{}{gap}built {age} ago", self.why)
    }
}

/// The newest `file` in the folders; of equally old ones, the first.
fn newest(folders: &[(PathBuf, String)], file: &str) -> Option<Found> {
    let there = folders.iter().filter_map(|(folder, shown)| Some((Found::at(folder.join(file), "")?, shown)));
    let mut there: Vec<_> = there.collect();
    there.sort_by_key(|(found, _)| std::cmp::Reverse(found.modified));
    let mut there = there.into_iter();
    let (newest, shown) = there.next()?;
    let why = match there.next() {
        Some((_, older)) => format!("in {shown}, newer than the one in {older}"),
        None => format!("in {shown}"),
    };
    Some(Found { why, ..newest })
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
