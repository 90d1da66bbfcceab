//! The floors of the house: a module uses lower floors only, and some crates have one home.

use crate::kit::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each module of the crate; what is not here has none to keep.
fn floors() -> BTreeMap<&'static str, u8> {
    let of = |floor, names: &'static [&'static str]| names.iter().map(move |name| (*name, floor));
    of(0, &["types"])
        .chain(of(1, &["abi", "proxies"]))
        .chain(of(2, &["settings", "supervisor", "sys"]))
        .chain(of(3, &["scoreboard", "listeners", "log", "tls"]))
        .chain(of(4, &["app", "worker", "arbiter", "monitor"]))
        .chain(of(5, &["launch"]))
        .chain(of(6, &["cli"]))
        .collect()
}

/// Crates that only some modules may name.
const HOMES: [(&str, &[&str]); 10] = [
    ("nix", &["sys"]),
    ("libc", &["sys"]),
    ("libloading", &["sys"]),
    ("socket2", &["sys"]),
    ("ring", &["tls"]),
    ("x509_parser", &["tls"]),
    ("rustls", &["tls", "worker"]),
    ("tokio_rustls", &["worker"]),
    ("tokio", &["worker", "monitor"]),
    ("hyper", &["worker", "monitor"]),
];

/// One source file, without its comments and its tests.
struct Source {
    path: PathBuf,
    /// The module that it belongs to: the first part of its path.
    house: String,
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let src = apps::root().join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    assert!(files.len() > 30, "only {} files in {}", files.len(), src.display());
    files.into_iter().map(|path| read(&src, path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}

fn read(src: &Path, path: PathBuf) -> Source {
    let relative = path.strip_prefix(src).expect("below src").to_owned();
    let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    let house = first.trim_end_matches(".rs").to_owned();
    let text = fs::read_to_string(&path).expect("text");
    let lines = if is_tests(&relative) { Vec::new() } else { without_tests(&text) };
    Source { path: relative, house, lines }
}

/// Whether a file is nothing but tests by the convention of this house; they may look anywhere.
fn is_tests(relative: &Path) -> bool {
    let name = relative.file_stem().unwrap_or_default().to_string_lossy();
    let folders = relative.parent().into_iter().flat_map(Path::components);
    name == "tests"
        || name == "testkit"
        || name.ends_with("_tests")
        || folders.into_iter().any(|it| it.as_os_str() == "tests")
}

/// The lines of a source without comments, up to its block of tests. A single item for tests is left out alone.
fn without_tests(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    while let Some(line) = code.next() {
        if line.trim() != "#[cfg(test)]" {
            lines.push(line.to_owned());
            continue;
        }
        // Other attributes may stand between.
        let item = code.by_ref().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("#["));
        let item = item.unwrap_or_default().trim_end();
        if item.starts_with("mod ") && item.ends_with('{') {
            break;
        }
        let depth = item.len() - item.trim_start().len();
        // What goes over more lines ends at its own depth.
        if !item.ends_with([';', '}', ',']) {
            let ends = |line: &&str| {
                line.len() - line.trim_start().len() == depth && line.trim_end().ends_with([';', '}', ','])
            };
            code.by_ref().find(ends);
        }
    }
    lines
}

/// The names that follow `prefix` in a line: `crate::log` gives `log`, `crate::{log, sys::fd}` gives both.
fn named(line: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut start = 0;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            names.push(word(group[start..index].trim()));
                            start = index + 1;
                        }
                        _ => {}
                    }
                }
                names.push(word(group[start.min(group.len())..].trim()));
            }
            None => names.push(word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn the_reader_of_use_lines_sees_what_it_should() {
    assert_eq!(named("use crate::log;", "crate::"), ["log"]);
    assert_eq!(named("use crate::{log, sys::{fd, poll}, types::Pid};", "crate::"), ["log", "sys", "types"]);
    assert_eq!(named("let x = crate::sys::clock::now();", "crate::"), ["sys"]);
    assert_eq!(named("use nix::unistd;", "nix::"), ["unistd"]);
    assert!(named("use phoenix::bird;", "nix::").is_empty());
}

#[test]
fn only_a_block_of_tests_ends_the_reading() {
    let text = "mod a;\n#[cfg(test)]\nmod tests;\nuse b; // c\n\n#[cfg(test)]\nmod tests {\n    use d;\n}\n";
    assert_eq!(without_tests(text), ["mod a;", "use b; ", ""]);
    let text = "impl A {\n    #[cfg(test)]\n    #[inline]\n    fn t(\n        a: u8,\n    ) {\n        b;\n    }\n    fn c() {}\n}\n";
    assert_eq!(without_tests(text), ["impl A {", "    fn c() {}", "}"]);
    for (path, tests) in
        [("tls/config_tests.rs", true), ("log/tests.rs", true), ("a/tests/b.rs", true), ("a.rs", false)]
    {
        assert_eq!(is_tests(Path::new(path)), tests, "{path}");
    }
}

#[test]
fn modules_use_lower_floors_only() {
    let floors = floors();
    let mut breaches = Vec::new();
    for source in sources() {
        let Some(floor) = floors.get(source.house.as_str()) else { continue };
        for line in &source.lines {
            for name in named(line, "crate::") {
                let Some(other) = floors.get(name.as_str()) else { continue };
                if name != source.house && other >= floor {
                    breaches.push(format!("{}: {}", source.path.display(), line.trim()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "floors are breached:\n{}", breaches.join("\n"));
}

#[test]
fn some_crates_have_one_home() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (name, homes) in HOMES {
            if homes.contains(&source.house.as_str()) {
                continue;
            }
            let path = format!("{name}::");
            let strangers = source.lines.iter().filter(|line| !named(line, &path).is_empty());
            breaches.extend(strangers.map(|line| format!("{}: {}", source.path.display(), line.trim())));
        }
    }
    assert!(breaches.is_empty(), "crates are named away from home:\n{}", breaches.join("\n"));
}

#[test]
fn unsafe_code_is_in_sys_and_at_the_border_only() {
    let mut breaches = Vec::new();
    for source in sources() {
        // `export!` writes the symbol that an arbiter calls with a pointer: the other half of the border.
        let border = source.path == Path::new("worker/export.rs");
        if border || ["sys", "abi"].contains(&source.house.as_str()) {
            continue;
        }
        for line in &source.lines {
            let unsafe_here = ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"];
            if unsafe_here.iter().any(|form| line.contains(form)) {
                breaches.push(format!("{}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert!(breaches.is_empty(), "unsafe code away from home:\n{}", breaches.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    let mut breaches = Vec::new();
    for source in sources() {
        if ["cli", "main"].contains(&source.house.as_str()) {
            continue;
        }
        for line in &source.lines {
            let prints = ["println!", "eprintln!", "print!(", "eprint!("].iter().any(|form| line.contains(form));
            if prints {
                breaches.push(format!("{}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert!(breaches.is_empty(), "somebody else prints:\n{}", breaches.join("\n"));
}

#[test]
fn the_supervisor_and_the_settings_touch_no_system() {
    let mut breaches = Vec::new();
    for source in sources() {
        if source.house != "supervisor" {
            continue;
        }
        for line in &source.lines {
            let touches =
                ["std::fs", "std::os", "std::net", "std::process", "Instant::now", "SystemTime", "std::thread"];
            if touches.iter().any(|form| line.contains(form)) {
                breaches.push(format!("{}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert!(breaches.is_empty(), "the pure core touches the system:\n{}", breaches.join("\n"));
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        let folder = apps::root().join(folder);
        if folder.exists() {
            collect(&folder, &mut files);
        }
    }
    let long: Vec<String> = files
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).ok()?.lines().count();
            (lines > 400).then(|| format!("{}: {lines}", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}
