//! The worker processes that exist, and the pipe that each reports through. Who sits where is the machine's.

use crate::abi::Report;
use crate::types::Pid;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A line that is not at its end by then is not from a worker of ours.
const LONGEST_REPORT: usize = 64 * 1024;

/// One worker process.
pub struct Member {
    /// Its process.
    pub pid: Pid,
    /// Its lane of `SO_REUSEPORT` listeners.
    pub lane: u32,
    /// It was told to go: its lane is free for a successor.
    pub leaving: bool,
    /// It is reaped, though the machine has yet to hear of it: its number may be another's by now.
    pub gone: bool,
    reports: Option<File>,
    partial: Vec<u8>,
}

impl Member {
    /// A worker that was just forked; `reports` is the read end of its pipe, non-blocking.
    pub fn new(pid: Pid, lane: u32, reports: OwnedFd) -> Self {
        let reports = Some(File::from(reports));
        Self { pid, lane, leaving: false, gone: false, reports, partial: Vec::new() }
    }

    /// The pipe to poll; none once the worker has closed it.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.reports.as_ref().map(AsFd::as_fd)
    }

    /// Everything that the worker has reported since the last call.
    pub fn read_reports(&mut self) -> Vec<Report> {
        let mut buffer = [0; 4096];
        let mut reports = Vec::new();
        while let Some(pipe) = &mut self.reports {
            match pipe.read(&mut buffer) {
                Ok(0) => self.reports = None,
                Ok(count) => self.partial.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => self.reports = None,
            }
            reports.extend(take_lines(&mut self.partial));
            if self.partial.len() > LONGEST_REPORT {
                self.partial.clear();
                self.reports = None;
            }
        }
        self.leaving |= reports.contains(&Report::Leaving);
        reports
    }
}

/// Cuts the complete lines off `partial`; a line that is no report is skipped, as a newer worker may know more kinds.
fn take_lines(partial: &mut Vec<u8>) -> Vec<Report> {
    let Some(end) = partial.iter().rposition(|&byte| byte == b'\n') else { return Vec::new() };
    let rest = partial.split_off(end + 1);
    let complete = std::mem::replace(partial, rest);
    complete.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// All worker processes.
#[derive(Default)]
pub struct Roster {
    members: Vec<Member>,
}

impl Roster {
    /// A worker was forked.
    pub fn add(&mut self, member: Member) {
        self.members.push(member);
    }

    /// A worker was reaped.
    pub fn remove(&mut self, pid: Pid) -> Option<Member> {
        let index = self.members.iter().position(|member| member.pid == pid)?;
        Some(self.members.swap_remove(index))
    }

    /// The worker with this process id.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.pid == pid)
    }

    /// Every worker.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Every worker.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.members.iter_mut()
    }

    /// The lane with the fewest workers that stay, the lowest of equals.
    pub fn emptiest_lane(&self, lanes: u32) -> u32 {
        let owners = |lane| self.members.iter().filter(|member| member.lane == lane && !member.leaving).count();
        (0..lanes.max(1)).min_by_key(|&lane| owners(lane)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_arrive_whole_however_the_pipe_cuts_them() {
        let mut partial = b"{\"report\":\"ready\"}\n{\"report\":\"rec".to_vec();
        assert_eq!(take_lines(&mut partial), [Report::Ready]);
        partial.extend_from_slice(b"ycle\",\"reason\":\"max_requests\"}\n");
        assert_eq!(take_lines(&mut partial), [Report::Recycle { reason: "max_requests".into(), due: false }]);
        assert!(partial.is_empty());
    }

    #[test]
    fn many_reports_at_once_are_all_heard_and_an_endless_one_is_not() {
        let (read, write) = crate::sys::pipe::nonblocking().unwrap();
        let mut member = Member::new(Pid(7), 0, read);
        let long = Report::BootFailed { code: 3, reason: "x".repeat(200_000) };
        let mut write = File::from(write);
        let mut heard = Vec::new();
        let text = [&long, &Report::Leaving, &long, &Report::Traced, &long].map(Report::lines).concat();
        for part in text.chunks(60_000) {
            std::io::Write::write_all(&mut write, part).unwrap();
            heard.extend(member.read_reports());
        }
        assert_eq!(heard.len(), 5);
        assert!(heard[1] == Report::Leaving && heard[3] == Report::Traced && member.leaving && member.pipe().is_some());
        for _ in 0..2 {
            std::io::Write::write_all(&mut write, &[b'x'; 40_000]).unwrap();
            assert_eq!(member.read_reports(), []);
        }
        assert!(member.pipe().is_none());
    }

    #[test]
    fn a_line_of_an_unknown_kind_is_skipped() {
        let mut partial = b"{\"report\":\"from_the_future\"}\nnonsense\n{\"report\":\"traced\"}\n".to_vec();
        assert_eq!(take_lines(&mut partial), [Report::Traced]);
    }

    #[test]
    fn a_leaving_worker_frees_its_lane() -> std::io::Result<()> {
        let mut roster = Roster::default();
        for (pid, lane) in [(10, 0), (11, 1)] {
            let pipe = OwnedFd::from(File::open("/dev/null")?);
            roster.add(Member::new(Pid(pid), lane, pipe));
        }
        assert_eq!(roster.emptiest_lane(3), 2);
        assert_eq!(roster.emptiest_lane(2), 0);
        if let Some(member) = roster.get_mut(Pid(11)) {
            member.leaving = true;
        }
        assert_eq!(roster.emptiest_lane(2), 1);
        Ok(())
    }
}
