//! What a worker uses of the machine, as the kernel sees it.

use crate::seat::Worker;

/// The processor's time that it has used, in hundredths of a second.
pub fn cpu_ticks(worker: &Worker) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.pid())).unwrap();
    let fields: Vec<u64> = stat.rsplit(')').next().unwrap().split(' ').filter_map(|n| n.parse().ok()).collect();
    fields[10] + fields[11]
}

/// Resident memory in bytes.
pub fn resident(worker: &Worker) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", worker.pid())).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
