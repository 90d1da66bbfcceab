//! The search: each place, their order, and what is said when there is nothing.

use super::*;
use crate::app::testkit::{Files, package};
use std::time::Duration;

/// A finder that does not know the test runner's own `CARGO_TARGET_DIR`.
fn finder(files: &Files, app_dir: Option<&str>) -> Finder {
    Finder { target_dir: None, ..Finder::new(app_dir.map(Path::new), &files.root()) }
}

fn spec(text: &str) -> AppSpec {
    AppSpec::parse(text).unwrap()
}

fn library(finder: &Finder, text: &str) -> Found {
    match finder.search(&spec(text)).unwrap() {
        Search::Library(found) => found,
        Search::Package(package) => panic!("found the package {}", package.name),
    }
}

fn age(files: &Files, name: &str, minutes: u64) {
    let then = SystemTime::now() - Duration::from_secs(60 * minutes);
    std::fs::File::options().append(true).open(files.path(name)).unwrap().set_modified(then).unwrap();
}

#[test]
fn each_place_wins_over_the_next() {
    let files = Files::new(&[
        ("apps/libhello.so", ""),
        ("libhello.so", ""),
        ("target/release/libhello.so", ""),
        ("target/debug/libhello.so", ""),
    ]);
    age(&files, "target/release/libhello.so", 5);
    let take = |expected: &str, why: &str| {
        let found = library(&finder(&files, Some("apps")), "hello:router");
        assert_eq!((found.path.clone(), found.why.as_str()), (files.path(expected), why));
        std::fs::remove_file(found.path).unwrap();
    };
    take("apps/libhello.so", "in --app-dir");
    take("libhello.so", "in the working directory");
    take("target/debug/libhello.so", "in target/debug, newer than the one in target/release");
    take("target/release/libhello.so", "in target/release");
    assert!(finder(&files, Some("apps")).search(&spec("hello")).is_err());
}

#[test]
fn a_build_for_a_named_target_is_found_too() {
    let triple = format!("target/{}-unknown-linux-musl/release/libhello.so", std::env::consts::ARCH);
    let files = Files::new(&[(&triple, ""), ("target/wasm32-wasip1/release/libhello.so", "")]);
    assert_eq!(library(&finder(&files, None), "hello").path, files.path(&triple));
}

#[test]
fn the_target_directory_of_the_environment_counts_outside_a_workspace() {
    let files = Files::new(&[("elsewhere/debug/libmy_shop.so", "")]);
    let finder = Finder { target_dir: Some(files.path("elsewhere")), ..finder(&files, None) };
    assert_eq!(library(&finder, "my-shop").path, files.path("elsewhere/debug/libmy_shop.so"));
}

#[test]
fn a_path_is_taken_as_it_is() {
    let files = Files::new(&[("libhello.so", ""), ("sub/libhello.so", "")]);
    let finder = finder(&files, None);
    assert_eq!(library(&finder, "sub/libhello.so:x").path, files.path("sub/libhello.so"));
    let told = |text: &str| finder.search(&spec(text)).unwrap_err().to_string();
    assert_eq!(told("sub/libother.so:x"), "sub/libother.so does not exist");
    assert_eq!(told("./sub:x"), "./sub is a directory; name the library in it, as in ./sub/libhello.so");
}

#[test]
fn a_package_without_a_library_on_disk_is_to_be_built() {
    let files =
        Files::new(&[("Cargo.toml", "[workspace]\nmembers = [\"my-shop\", \"blog\", \"tool\"]\nresolver = \"3\"\n")]);
    package(&files, "my-shop", "crate-type = [\"cdylib\"]", "");
    package(&files, "blog", "name = \"weblog\"\ncrate-type = [\"cdylib\"]", "");
    package(&files, "tool", "", "");
    let mut workspace = Workspace::around(&files.root()).unwrap().unwrap();
    // Not where the test runner's environment may have cargo build.
    workspace.target = files.path("target");
    let finder = Finder { workspace: OnceCell::from(Ok(Some(workspace))), ..finder(&files, None) };
    for (text, name) in [("my-shop:router", "my-shop"), ("my_shop", "my-shop"), ("blog", "blog"), ("weblog", "blog")] {
        match finder.search(&spec(text)).unwrap() {
            Search::Package(package) => assert_eq!(package.name, name),
            Search::Library(found) => panic!("{found:?}"),
        }
    }
    assert!(matches!(finder.search(&spec("tool")), Err(AppError::NotCdylib { .. })));
    let told = finder.search(&spec("blob")).unwrap_err().to_string();
    assert!(told.ends_with("; the cargo workspace has no package blob, but blog, my-shop"), "{told}");
    let told = finder.search(&spec("./target/debug/libmy_shop.so")).unwrap_err().to_string();
    assert!(told.contains("does not exist; the package my-shop can be built with cargo build"), "{told}");

    let told = finder.after_build(&spec("blog")).unwrap_err().to_string();
    assert!(told.starts_with("cargo has built the package blog, but no library libweblog.so is in"), "{told}");
    files.write("target/debug/libweblog.so", "");
    let found = finder.after_build(&spec("blog")).unwrap();
    assert_eq!(found.path, files.path("target/debug/libweblog.so"));
    assert_eq!(finder.package_of(&spec("blog"), &found.path).unwrap().name, "blog");
    let watched = finder.watch_paths(&spec("blog"), &found.path);
    assert!(watched.contains(&Watched::Tree(files.path("blog/src"))), "{watched:?}");
}

#[test]
fn a_library_of_no_package_is_watched_itself() {
    let files = Files::new(&[("libhello.so", "")]);
    let watched = finder(&files, None).watch_paths(&spec("hello"), Path::new("libhello.so"));
    assert_eq!(watched, [Watched::File(files.path("libhello.so"))]);
}

#[test]
fn python_is_recognised_by_its_files() {
    let files = Files::new(&[("main.py", ""), ("site/__init__.py", ""), ("apps/api.py", "")]);
    for name in ["main", "site", "api"] {
        let told = finder(&files, Some("apps")).search(&spec(name)).unwrap_err().to_string();
        assert!(told.starts_with(&format!("{name} is a Python application, and no Python with")), "{told}");
    }
}

#[test]
fn nothing_at_all_lists_every_place_in_one_line() {
    let files = Files::new(&[]);
    let root = files.root().display().to_string();
    let told = finder(&files, Some("apps")).search(&spec("hello")).unwrap_err().to_string();
    assert_eq!(
        told,
        format!(
            "no library libhello.so was found; looked in {root}/apps (--app-dir), {root} (the working directory), \
             target/release, target/debug; there is no cargo workspace here to build it from"
        )
    );
    files.write("Cargo.toml", "nonsense");
    let told = finder(&files, None).search(&spec("hello")).unwrap_err().to_string();
    assert!(told.contains("; the cargo workspace here cannot be read: ") && !told.contains('\n'), "{told}");
}

#[test]
fn the_age_is_told_in_words() {
    let now = SystemTime::now();
    let at =
        |seconds: u64| Found { path: "x".into(), why: "in x".into(), modified: now - Duration::from_secs(seconds) };
    for (seconds, words) in [(3, "3 s"), (200, "3 min"), (7300, "2 h"), (400_000, "4 days")] {
        assert_eq!(at(seconds).describe(now), format!("in x, built {words} ago"));
    }
    let given = Found { why: String::new(), modified: now + Duration::from_secs(9), ..at(0) };
    assert_eq!(given.describe(now), "built 0 s ago");
}
