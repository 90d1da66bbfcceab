//! What an application is built from, for `--reload`. Says what to watch; `sys::inotify` does it.

use super::cargo::{Package, Workspace};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Something whose change means a build or a reload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// A folder with everything below it.
    Tree(PathBuf),
    /// One file.
    File(PathBuf),
}

/// The sources, manifests and build scripts of a package and of every package on this disk that goes into it.
pub(super) fn watch_paths(workspace: &Workspace, package: &Package) -> Vec<Watched> {
    let mut watched = BTreeSet::from([Watched::File(workspace.root.join("Cargo.toml"))]);
    let mut seen = BTreeSet::new();
    let mut waiting = vec![package.folder().to_owned()];
    while let Some(folder) = waiting.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        watched.insert(Watched::File(folder.join("Cargo.toml")));
        match workspace.packages.iter().find(|package| package.folder() == folder) {
            Some(package) => {
                watched.extend(sources(package));
                let built_in = package.dependencies.iter().filter(|used| used.kind.as_deref() != Some("dev"));
                waiting.extend(built_in.filter_map(|used| used.path.clone()));
            }
            // A path dependency outside the workspace: cargo has not described it, so the usual places it is.
            None => watched.extend(usual_sources(&folder)),
        }
    }
    watched.into_iter().collect()
}

/// The folders of the package's library and the files of its build script; its programs, tests and examples are not
/// part of what is served.
fn sources(package: &Package) -> impl Iterator<Item = Watched> {
    const LIBRARIES: [&str; 6] = ["lib", "rlib", "cdylib", "dylib", "staticlib", "proc-macro"];
    package.targets.iter().filter_map(|target| {
        let is = |kinds: &[&str]| target.kind.iter().any(|kind| kinds.contains(&kind.as_str()));
        match target.src_path.parent() {
            Some(folder) if is(&LIBRARIES) => Some(Watched::Tree(folder.to_owned())),
            _ if is(&["custom-build"]) => Some(Watched::File(target.src_path.clone())),
            _ => None,
        }
    })
}

fn usual_sources(folder: &Path) -> impl Iterator<Item = Watched> {
    let tree = Some(folder.join("src")).filter(|path| path.is_dir()).map(Watched::Tree);
    let script = Some(folder.join("build.rs")).filter(|path| path.is_file()).map(Watched::File);
    tree.into_iter().chain(script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testkit::{Files, package};

    #[test]
    fn everything_that_goes_into_the_library_is_watched_and_nothing_else() {
        let files = Files::new(&[
            (
                "ws/Cargo.toml",
                "[workspace]\nmembers = [\"shop\", \"core\", \"other\", \"testing\"]\nresolver = \"3\"\n",
            ),
            ("ws/shop/build.rs", "fn main() {}"),
            ("ws/shop/src/main.rs", "fn main() {}"),
            ("ws/shop/tests/it.rs", ""),
            ("outside/build.rs", "fn main() {}"),
        ]);
        package(&files, "ws/other", "name = \"other\"", "");
        package(&files, "ws/testing", "name = \"testing\"", "");
        for (path, name) in [("ws/other", "other"), ("ws/testing", "testing")] {
            let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            files.write(&format!("{path}/Cargo.toml"), manifest);
        }
        files.write(
            "ws/shop/Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
             [dependencies]\ncore2 = { path = \"../core\" }\n[dev-dependencies]\ntesting = { path = \"../testing\" }\n",
        );
        files.write("ws/shop/src/lib.rs", "");
        files.write(
            "ws/core/Cargo.toml",
            "[package]\nname = \"core2\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\npath = \"code/top.rs\"\n\
             [dependencies]\noutside = { path = \"../../outside\" }\n",
        );
        files.write("ws/core/code/top.rs", "");
        package(&files, "outside", "", "");

        let workspace = Workspace::around(&files.path("ws")).unwrap().unwrap();
        let watched = watch_paths(&workspace, workspace.package("shop").unwrap());
        let tree = |name: &str| Watched::Tree(files.path(name));
        let file = |name: &str| Watched::File(files.path(name));
        let mut expected = vec![
            tree("ws/shop/src"),
            tree("ws/core/code"),
            tree("outside/src"),
            file("ws/Cargo.toml"),
            file("ws/shop/Cargo.toml"),
            file("ws/shop/build.rs"),
            file("ws/core/Cargo.toml"),
            file("outside/Cargo.toml"),
            file("outside/build.rs"),
        ];
        expected.sort();
        assert_eq!(watched, expected);
    }
}
