//! The machine and the hour: without them a number means nothing.

use procfs::{CpuInfo, Current, LoadAverage};
use std::fmt;
use std::process::Command;
use std::sync::LazyLock;

/// What everything here is built from: the compiler, and the libraries that the peers consist of.
pub static LIBRARIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let lock = include_str!("../../../Cargo.lock");
    let locked = ["hyper", "axum", "tokio"].into_iter().filter_map(|name| locked(lock, name));
    rustc.into_iter().chain(locked).collect()
});

/// A package and its version, as Cargo.lock has them.
fn locked(lock: &str, name: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    Some(format!("{name} {}", rest.split('"').next()?))
}

/// What is told of the machine.
pub struct Machine {
    model: String,
    cores: usize,
    kernel: String,
    load: String,
    date: String,
}

impl Machine {
    /// Asks /proc and the clock. What they do not tell is called unknown; a benchmark does not fail for it.
    pub fn read() -> Self {
        let unknown = || "unknown".to_owned();
        let model = CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned());
        Self {
            model: model.unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: kernel.unwrap_or_else(|_| unknown()),
            load: LoadAverage::current().map_or_else(|_| unknown(), |load| format!("{:.2}", load.one)),
            date: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %:z").to_string(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} cores, Linux {}, load average {} at the start.",
            self.model, self.cores, self.kernel, self.load
        )?;
        writeln!(f, "{}.", self.date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"tokio-util\"\nversion = \"9\"\n\n[[package]]\nname = \"tokio\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "tokio"), Some("tokio 1.2.3".to_owned()));
        assert_eq!(locked(lock, "axum"), None);
    }
}
