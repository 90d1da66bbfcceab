//! System calls, as perf counts them in the kernel. It needs the right to trace; without it they are left out.

use std::process::Command;
use std::time::Duration;

use super::tree::tree;

/// System calls of all processes under `root` in a second of their processor time; none if there is no perf, or it may not.
pub fn per_second(root: i32, span: Duration) -> Option<f64> {
    let pids: Vec<String> = tree(root).ok()?.iter().map(ToString::to_string).collect();
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &pids.join(",")]);
    let output = perf.args(["--", "sleep", &span.as_secs_f64().to_string()]).output().ok()?;
    read(&String::from_utf8_lossy(&output.stderr))
}

/// The number, its unit, its name, and for how many nanoseconds it was counted, which is while the threads ran.
fn read(text: &str) -> Option<f64> {
    let fields = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let fields = fields.into_iter().find(|fields| fields.get(2) == Some(&"raw_syscalls:sys_enter"))?;
    let (count, nanos): (f64, f64) = (fields[0].parse().ok()?, fields.get(3)?.parse().ok()?);
    (nanos > 0.0).then(|| count / (nanos / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_and_what_was_not_counted_is_nothing() {
        let rate = read("3000,,raw_syscalls:sys_enter,200000000,100.00,,\n");
        assert!(rate.is_some_and(|rate| (rate - 15_000.0).abs() < 1e-9));
        assert!(read("<not supported>,,raw_syscalls:sys_enter,0,0.00,,\n").is_none());
        assert!(read("Error: no permission").is_none());
    }
}
