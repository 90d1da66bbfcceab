//! The machine and the hour: without them a number means nothing.

use procfs::{CpuInfo, Current, LoadAverage};
use std::fmt;

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
