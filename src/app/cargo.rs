//! The cargo workspace around a directory: its packages, where its builds go, and how to build one of them.
//!
//! Only describes: the build is run by the caller, with its own idea of waiting. Nothing here needs a network, since
//! `--no-deps` resolves no dependency.

use super::error::AppError;
use super::exports::nearest_first;
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A workspace, as `cargo metadata --no-deps` describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    pub(super) packages: Vec<Package>,
    #[serde(rename = "target_directory")]
    pub(super) target: PathBuf,
    #[serde(rename = "workspace_root")]
    pub(super) root: PathBuf,
}

/// A package of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its name, as `cargo build -p` wants it.
    pub name: String,
    /// Its Cargo.toml.
    #[serde(rename = "manifest_path")]
    pub manifest: PathBuf,
    pub(super) targets: Vec<Target>,
    pub(super) dependencies: Vec<Dependency>,
    /// Where `cargo metadata` ran. The build runs there too, so that it finds the same settings of cargo.
    #[serde(skip)]
    directory: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    /// "lib", "cdylib", "bin", "custom-build", ...
    pub(super) kind: Vec<String>,
    pub(super) src_path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Dependency {
    /// "dev", "build", or none for a normal one.
    pub(super) kind: Option<String>,
    pub(super) path: Option<PathBuf>,
}

/// How a library is, or shall be, built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Cargo's `dev`.
    Debug,
    /// Cargo's `release`.
    Release,
}

impl Workspace {
    /// The workspace that `directory` belongs to; none if there is no Cargo.toml in it or above it.
    ///
    /// # Errors
    /// If cargo is missing or cannot read the workspace: its own words.
    pub(super) fn around(directory: &Path) -> Result<Option<Self>, String> {
        if !directory.ancestors().any(|place| place.join("Cargo.toml").is_file()) {
            return Ok(None);
        }
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps", "--quiet"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(complaint(&String::from_utf8_lossy(&output.stderr)));
        }
        let mut workspace: Self = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("the description of the workspace is unclear: {error}"))?;
        for package in &mut workspace.packages {
            package.directory = directory.to_owned();
        }
        Ok(Some(workspace))
    }

    /// The package that makes the library `name`: by its own name, or by that of its library.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        let plain = |name: &str| name.replace('-', "_");
        let by = |wanted: &dyn Fn(&&Package) -> bool| self.packages.iter().find(wanted);
        by(&|package| package.name == name)
            .or_else(|| by(&|package| plain(&package.name) == plain(name)))
            .or_else(|| by(&|package| package.library().is_some_and(|library| plain(library) == plain(name))))
    }

    /// The names of the packages that could be served, those most like `name` first.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        let loadable = self.packages.iter().filter(|package| package.library().is_some());
        nearest_first(name, loadable.map(|package| package.name.clone()).collect())
    }
}

impl Package {
    /// The name of the shared library that it makes, if it makes one.
    pub(super) fn library(&self) -> Option<&str> {
        let loadable = |target: &&Target| target.kind.iter().any(|kind| kind == "cdylib");
        self.targets.iter().find(loadable).map(|target| target.name.as_str())
    }

    /// Refuses a package whose build would give nothing to load.
    pub(super) fn check_library(&self) -> Result<(), AppError> {
        match self.library() {
            Some(_) => Ok(()),
            None => Err(AppError::NotCdylib { package: self.name.clone(), manifest: self.manifest.clone() }),
        }
    }

    /// The file that its build makes, in a directory of builds.
    pub(super) fn file_name(&self) -> Option<String> {
        self.library().map(|name| format!("lib{}.so", name.replace('-', "_")))
    }

    /// The folder of its Cargo.toml.
    pub(super) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("/"))
    }

    /// What builds it. Nothing is redirected: cargo shows its progress where the caller lets it.
    ///
    /// Only the library that is loaded is made, whatever else the package is (`crate-type = ["cdylib", "rlib"]`): beside an rlib
    /// cargo leaves link-time optimisation out, which costs a request 4 % of its instructions.
    #[must_use]
    pub fn build_command(&self, profile: Profile) -> Command {
        let mut command = Command::new(cargo());
        command.args(["rustc", "--lib", "--crate-type", "cdylib", "--package", &self.name]);
        if profile == Profile::Release {
            command.arg("--release");
        }
        command.current_dir(&self.directory).stdin(Stdio::null());
        command
    }
}

impl Profile {
    /// As this program itself was built.
    #[must_use]
    pub fn here() -> Self {
        if cfg!(debug_assertions) { Self::Debug } else { Self::Release }
    }

    /// The one that made this file, told by the folder that cargo put it in; [`Profile::here`] if that does not tell.
    #[must_use]
    pub fn of(library: &Path) -> Self {
        match library.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()) {
            Some("release") => Self::Release,
            Some("debug") => Self::Debug,
            _ => Self::here(),
        }
    }
}

/// The cargo that started us, if one did (`cargo run`): it fits the toolchain.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Cargo's error in one line: the first sentence, with its cause or the place that it points at.
fn complaint(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines().find_map(|line| line.strip_prefix("error: ")).or_else(|| lines().next());
    let place = || lines().find_map(|line| line.strip_prefix("--> "));
    let cause = lines().skip_while(|line| *line != "Caused by:").nth(1).or_else(place);
    match (first, cause) {
        (Some(first), Some(cause)) => format!("{first} ({cause})"),
        (Some(first), None) => first.to_owned(),
        _ => "cargo gave no reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testkit::{Files, package};

    #[test]
    fn a_directory_without_cargo_is_no_workspace() {
        let home = tempfile::tempdir().unwrap();
        assert!(Workspace::around(home.path()).unwrap().is_none());
    }

    #[test]
    fn packages_are_found_by_either_name_and_only_loadable_ones_are_offered() {
        let files = Files::new(&[("Cargo.toml", "[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n")]);
        package(&files, "my-shop", "crate-type = [\"cdylib\"]", "");
        package(&files, "blog", "name = \"weblog\"\ncrate-type = [\"lib\", \"cdylib\"]", "");
        package(&files, "tools", "", "");
        let workspace = Workspace::around(&files.path("blog/src")).unwrap().unwrap();
        assert_eq!(workspace.root, files.root());
        for name in ["my-shop", "my_shop"] {
            let package = workspace.package(name).unwrap();
            assert_eq!((package.name.as_str(), package.file_name().unwrap().as_str()), ("my-shop", "libmy_shop.so"));
        }
        assert_eq!(workspace.package("weblog").unwrap().name, "blog");
        assert_eq!(workspace.package("blog").unwrap().file_name().unwrap(), "libweblog.so");
        assert!(workspace.package("nothing").is_none());
        assert_eq!(workspace.candidates("bog"), ["blog", "my-shop"]);
        let refusal = workspace.package("tools").unwrap().check_library().unwrap_err().to_string();
        assert!(refusal.starts_with("the package tools is not built as a shared library: add crate-type"), "{refusal}");
    }

    #[test]
    fn a_broken_manifest_is_told_in_one_line() {
        let files = Files::new(&[("Cargo.toml", "[package]\nname = 3\n")]);
        let told = Workspace::around(&files.root()).unwrap_err();
        assert_eq!(told, "invalid type: integer `3`, expected a string (Cargo.toml:2:8)");
        assert_eq!(complaint(""), "cargo gave no reason");
        assert_eq!(complaint("error: no\n\nCaused by:\n  why\n"), "no (why)");
    }

    #[test]
    fn the_profile_follows_the_folder() {
        assert_eq!(Profile::of(Path::new("target/release/libx.so")), Profile::Release);
        assert_eq!(Profile::of(Path::new("/t/x86_64-unknown-linux-gnu/debug/libx.so")), Profile::Debug);
        assert_eq!(Profile::of(Path::new("libx.so")), Profile::here());
    }

    #[test]
    fn the_build_makes_what_was_promised() {
        let files = Files::new(&[("target/.keep", "")]);
        package(&files, "tiny", "crate-type = [\"cdylib\"]", "");
        let workspace = Workspace::around(&files.path("tiny")).unwrap().unwrap();
        let package = workspace.package("tiny").unwrap();
        let mut command = package.build_command(Profile::Debug);
        command.env("CARGO_TARGET_DIR", files.path("out")).args(["--quiet", "--offline"]);
        assert!(command.status().unwrap().success());
        assert!(files.path("out/debug").join(package.file_name().unwrap()).is_file());
    }
}
