//! System calls, as perf counts them in the kernel. It needs the right to trace; without it they are left out.

use std::process::Command;
use std::time::Duration;

use super::tree::tree;

/// System calls in a second of all processes under `root`; none if there is no perf, or it may not.
pub fn per_second(root: i32, span: Duration) -> Option<f64> {
    let pids: Vec<String> = tree(root).ok()?.iter().map(ToString::to_string).collect();
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-e", "duration_time", "-p", &pids.join(",")]);
    let output = perf.args(["--", "sleep", &span.as_secs_f64().to_string()]).output().ok()?;
    read(&String::from_utf8_lossy(&output.stderr))
}

/// A line for each counter: the number, its unit, its name.
fn read(text: &str) -> Option<f64> {
    let counter = |name: &str| {
        let line = text.lines().find(|line| line.split(',').nth(2).is_some_and(|field| field.starts_with(name)))?;
        line.split(',').next()?.parse::<f64>().ok()
    };
    Some(counter("raw_syscalls")? / (counter("duration_time")? / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_and_what_was_not_counted_is_nothing() {
        let text = "3000,,raw_syscalls:sys_enter,400000,100.00,,\n200000000,ns,duration_time,200000000,100.00,,\n";
        assert!(read(text).is_some_and(|rate| (rate - 15_000.0).abs() < 1e-9));
        assert!(read("<not supported>,,raw_syscalls:sys_enter,0,0.00,,\n1,ns,duration_time,1,100.00,,\n").is_none());
        assert!(read("Error: no permission").is_none());
    }
}
