//! The programs that are measured: built here, so that a result is never that of yesterday's build.

use anyhow::{Context, Result, ensure};
use std::io::ErrorKind;
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
    /// Builds what is wanted in release mode, with the progress on the terminal: `rustcorn` and `hello`, and the package
    /// for Python, which goes into the environment that `make bench` has made for it and its peers.
    pub fn build(rust: bool, python: bool) -> Result<Self> {
        ensure!(!cfg!(debug_assertions), "the peers live in this program: measure with `cargo run --release`");
        let ourselves = std::env::current_exe().context("cannot tell where this program is")?;
        let release = ourselves.parent().context("this program lies in no directory")?;
        let target = release.parent().context("this program does not lie in cargo's target directory")?;
        let (rustcorn, hello) = (release.join("rustcorn"), release.join("libhello.so"));
        if rust {
            // One by one, as a user builds them: together they would share the union of their features. And the library as
            // `rustcorn` builds it.
            let program: &[_] = &["build", "--package", "rustcorn"];
            for what in [program, &["rustc", "--package", "hello", "--lib", "--crate-type", "cdylib"]] {
                let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                run(Command::new(cargo).args(what).args(["--release", "--target-dir"]).arg(target))?;
            }
            for file in [&rustcorn, &hello] {
                ensure!(file.is_file(), "cargo built no {}", file.display());
            }
        }
        let bin = target.join("bench-tools/venv/bin");
        // Without the environment, the pages say that there is no such program.
        if python && bin.is_dir() {
            let wheels = target.join("bench-tools/wheels");
            std::fs::remove_dir_all(&wheels).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error).with_context(|| format!("cannot empty {}", wheels.display())),
            })?;
            // As it is shipped, like those of the peers.
            let told = |name: &str, path: &Path| format!("{name}={}", path.display());
            let mut make = Command::new("make");
            make.env("CARGO_TARGET_DIR", target).arg("wheel").arg(told("WHEELS", &wheels));
            make.arg(told("MATURIN", &bin.join("maturin"))).arg(told("PYTHON", &bin.join("python")));
            run(&mut make)?;
            let wheel = std::fs::read_dir(&wheels).context("maturin built no wheel")?.flatten().next();
            let wheel = wheel.context("maturin built no wheel")?.path();
            let mut pip = Command::new(bin.join("pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--force-reinstall"]);
            run(pip.arg(wheel))?;
        }
        let target = target.to_owned();
        Ok(Self { ourselves, rustcorn, hello, target })
    }
}

fn run(command: &mut Command) -> Result<()> {
    command.current_dir(workspace());
    // What `cargo run` tells of this package: ring's build script watches these, and would be run, with all that depends on
    // it, at every change between a build from the shell and one from here.
    for (key, _) in std::env::vars_os() {
        let text = key.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    // The tables alone go to stdout.
    let stdout = std::io::stderr();
    let status = command.stdout(stdout).status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
