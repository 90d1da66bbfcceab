//! The applications that the tests serve, built once per test run by the cargo that runs the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rustcorn"))
}

/// The root of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `target/debug` or `target/release`, whichever the tests were built into.
pub fn profile_dir() -> &'static Path {
    program().parent().expect("the program is in a directory")
}

/// The directory that cargo was told to build into.
pub fn target_dir() -> &'static Path {
    profile_dir().parent().expect("a profile is in a target directory")
}

/// A `cargo` command that builds into the same place with the same profile.
pub fn cargo(verb: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.arg(verb).arg("--target-dir").arg(target_dir()).stdin(Stdio::null());
    if profile_dir().ends_with("release") {
        command.arg("--release");
    }
    command
}

fn build(package: &str) {
    let mut command = cargo("build");
    command.current_dir(root()).args(["--package", package]);
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "cargo build of {package}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// `libhello.so` of examples/hello.
pub fn hello() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build("hello"));
    profile_dir().join("libhello.so")
}

/// `libtestapps.so` of tests/apps.
pub fn testapps() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build("testapps"));
    profile_dir().join("libtestapps.so")
}

/// Another package's executable.
pub fn executable(package: &str) -> PathBuf {
    build(package);
    profile_dir().join(package)
}

/// Another package's library.
pub fn library(package: &str) -> PathBuf {
    build(package);
    profile_dir().join(format!("lib{package}.so"))
}
