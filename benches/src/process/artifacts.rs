//! The programs that are measured: built here, so that a result is never that of yesterday's build.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs are.
pub struct Artifacts {
    /// This program, which is also the peers.
    pub ourselves: PathBuf,
    /// The `rustcorn` program.
    pub rustcorn: PathBuf,
    /// The hello application as a library.
    pub hello: PathBuf,
    /// Cargo's target directory, where `make bench` puts the tools that it fetches.
    pub target: PathBuf,
}

impl Artifacts {
    /// Builds `rustcorn` and `hello` in release mode, with cargo's progress on the terminal.
    pub fn build() -> Result<Self> {
        ensure!(!cfg!(debug_assertions), "the peers live in this program: measure with `cargo run --release`");
        let ourselves = std::env::current_exe().context("cannot tell where this program is")?;
        let release = ourselves.parent().context("this program lies in no directory")?;
        let target = release.parent().context("this program does not lie in cargo's target directory")?;
        // One by one, as a user builds them: together they would share the union of their features.
        for package in ["rustcorn", "hello"] {
            build(package, target)?;
        }
        let rustcorn = release.join("rustcorn");
        let hello = release.join("libhello.so");
        for file in [&rustcorn, &hello] {
            ensure!(file.is_file(), "cargo built no {}", file.display());
        }
        let target = target.to_owned();
        Ok(Self { ourselves, rustcorn, hello, target })
    }
}

fn build(package: &str, target: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--package", package, "--target-dir"]).arg(target);
    command.current_dir(workspace());
    // What `cargo run` tells of this package: ring's build script watches these, and would be run, with all that depends on
    // it, at every change between a build from the shell and one from here.
    for (key, _) in std::env::vars_os() {
        let text = key.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not build {package} ({status})");
    Ok(())
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
