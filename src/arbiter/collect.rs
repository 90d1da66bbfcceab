//! From descriptors to events: what has happened since the last turn, in the order in which the machine must hear it.

use super::develop::Development;
use super::shell::Shell;
use crate::abi::Report;
use crate::log;
use crate::supervisor::{Event, Intent};
use crate::sys;
use crate::sys::wait::Reaped;
use crate::types::{Pid, Signal};
use std::time::Duration;

/// Something that happened, and for a death what `wait` told about it.
pub enum News {
    /// For the machine as it is.
    Event(Event),
    /// A child is gone.
    Death(Reaped),
}

impl Shell<'_> {
    /// Waits for news, at most `patience`. Intents come first: at a terminal, Ctrl-C reaches the workers too, and their
    /// deaths must not be taken for crashes. What a worker reported comes before its death.
    pub fn wait(&mut self, patience: Option<Duration>) -> Vec<News> {
        let at_once = self.development.as_ref().is_some_and(Development::has_news) || !self.later.is_empty();
        let patience = if at_once { Some(Duration::ZERO) } else { patience };
        if let Err(error) = sys::poll::wait(&self.wake_sources(), patience) {
            log::error!("cannot wait for events: {error}");
        }
        let mut news = std::mem::take(&mut self.later);
        let mut signals = Vec::new();
        self.inbox.drain(&mut signals);
        urgent_first(&mut signals);
        news.extend(signals.iter().filter_map(|signal| self.intent(*signal)).map(|i| News::Event(Event::Intent(i))));
        if self.development.as_mut().is_some_and(|development| development.read_changes()) {
            news.push(News::Event(Event::FilesChanged));
        }
        self.watch.read_changes();
        if let Some(successor) = &mut self.successor
            && successor.read_ready()
        {
            news.push(News::Event(Event::UpgradeReady { pid: successor.pid }));
        }
        if self.predecessor.as_mut().is_some_and(|predecessor| predecessor.read_promotion()) {
            news.push(News::Event(Event::Promoted));
        }
        let mut files = Vec::new();
        for member in self.roster.iter_mut() {
            let pid = member.pid;
            for report in member.read_reports() {
                match report {
                    Report::Imported { files: more } => files.extend(more),
                    report => news.extend(told(pid, self.details.keep(pid, report)).map(News::Event)),
                }
            }
        }
        self.watch_imported(files);
        self.hear_zygotes(&mut news);
        if signals.contains(&Signal::CHLD) {
            self.reap(&mut news);
        }
        news
    }

    fn reap(&mut self, news: &mut Vec<News>) {
        self.oom.sample();
        while let Some(reaped) = sys::wait::reap() {
            let (pid, status) = (reaped.pid, reaped.status);
            if self.bury_member(&reaped, news) || self.bury_zygote(&reaped, news) {
            } else if let Some(built) = self.development.as_mut().and_then(|it| it.reaped(pid, status)) {
                news.push(News::Event(built));
            } else if self.successor.take_if(|successor| successor.pid == pid).is_some() {
                self.own_socket_files();
                news.push(News::Event(Event::Exited { pid, status }));
            } else if let Some(stranger) = self.zygotes.is_stranger(reaped) {
                pass_over(stranger);
            }
        }
    }

    /// Whether this dead child was a worker that is known.
    pub fn bury_member(&mut self, reaped: &Reaped, news: &mut Vec<News>) -> bool {
        let pid = reaped.pid;
        let Some(member) = self.roster.get_mut(pid) else { return false };
        // Its last words may have come after the pipes were read.
        let reports = member.read_reports().into_iter();
        let details = &mut self.details;
        let events = reports.filter_map(|report| told(pid, details.keep(pid, report)));
        news.extend(events.map(News::Event));
        member.gone = true;
        news.push(News::Death(*reaped));
        true
    }

    fn intent(&self, signal: Signal) -> Option<Intent> {
        let intent = match signal {
            Signal::HUP => Intent::Reload,
            Signal::TTIN => Intent::MoreWorkers,
            Signal::TTOU => Intent::FewerWorkers,
            Signal::USR1 => Intent::ReopenLogs,
            Signal::USR2 if self.predecessor.is_some() => {
                log::warn!("USR2 signal ignored. Parent exists: the arbiter that this one upgrades has not left yet");
                return None;
            }
            Signal::USR2 => Intent::Upgrade,
            Signal::TERM => Intent::StopGracefully,
            Signal::INT | Signal::QUIT => Intent::StopQuickly,
            Signal::WINCH if self.daemonized => Intent::RetireWorkers,
            Signal::WINCH => {
                log::debug!("SIGWINCH ignored: not running as a daemon");
                return None;
            }
            _ => return None,
        };
        Some(intent)
    }
}

/// What stands below the sentence of a failed boot: a traceback. Workers fail together and for the same reason, so it is
/// told once for each load, and nobody but this log needs it.
#[derive(Default)]
pub struct Details {
    told: Option<String>,
}

impl Details {
    /// Writes the details of a report, unless they were written before, and returns the report without.
    pub fn keep(&mut self, pid: Pid, report: Report) -> Report {
        let Report::BootFailed { code, reason } = report else { return report };
        let Some((sentence, details)) = reason.split_once('\n') else { return Report::BootFailed { code, reason } };
        if self.told.as_deref() != Some(details) {
            log::error!("Exception in worker process (pid:{pid})\n{}", details.trim_end());
            self.told = Some(details.to_owned());
        }
        Report::BootFailed { code, reason: sentence.to_owned() }
    }
}

/// Who wants us to stop does not want to wait for a reload, and several reloads at once are one: the newest settings.
fn urgent_first(signals: &mut Vec<Signal>) {
    let stops = |signal: &Signal| matches!(*signal, Signal::TERM | Signal::INT | Signal::QUIT);
    signals.sort_by_key(|signal| !stops(signal));
    let last = signals.iter().rposition(|signal| *signal == Signal::HUP);
    let mut index = 0..;
    signals.retain(|signal| index.next() == last || *signal != Signal::HUP);
}

/// As process 1 of a container, or on behalf of a zygote, we inherit orphans. They are nothing to the machine.
pub fn pass_over(stranger: Reaped) {
    log::debug!("reaped process {}, which is not ours: it {}", stranger.pid, stranger.status);
}

pub fn told(pid: Pid, report: Report) -> Option<Event> {
    Some(match report {
        Report::Ready => Event::Ready { pid },
        Report::BootFailed { code, reason } => Event::BootFailed { pid, code, reason },
        Report::Recycle { reason, due } => Event::RecycleWanted { pid, reason, due },
        Report::Leaving => Event::Leaving { pid },
        Report::Traced => Event::Traced { pid },
        Report::Imported { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceback_is_no_part_of_the_sentence() {
        let mut details = Details::default();
        for text in ["Traceback: a", "Traceback: a", "Traceback: b"] {
            let report = Report::BootFailed { code: 3, reason: format!("it fails\n{text}") };
            assert_eq!(details.keep(Pid(7), report), Report::BootFailed { code: 3, reason: "it fails".into() });
            assert_eq!(details.told.as_deref(), Some(text));
        }
        assert_eq!(details.keep(Pid(7), Report::Ready), Report::Ready);
    }

    #[test]
    fn stops_come_first_and_reloads_are_one() {
        let mut signals = vec![Signal::HUP, Signal::TTIN, Signal::HUP, Signal::TTIN, Signal::TERM, Signal::CHLD];
        urgent_first(&mut signals);
        assert_eq!(signals, [Signal::TERM, Signal::TTIN, Signal::HUP, Signal::TTIN, Signal::CHLD]);
        let mut none = vec![Signal::CHLD];
        urgent_first(&mut none);
        assert_eq!(none, [Signal::CHLD]);
    }
}
