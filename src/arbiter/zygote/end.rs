//! The end of a zygote: it does not answer, it has died, or it is needed no more. Whoever waits for it has his answer then.

use super::Zygote;
use super::ask::PATIENCE;
use super::ledger::Order;
use crate::arbiter::collect::News;
use crate::arbiter::shell::Shell;
use crate::log;
use crate::supervisor::Event;
use crate::sys;
use crate::sys::wait::Reaped;
use crate::types::{Generation, Mono, Signal};

impl Shell<'_> {
    /// Ends the zygotes that do not answer.
    pub fn hurry_zygotes(&mut self, now: Mono) {
        let late = |zygote: &Zygote| zygote.ledger.due().is_some_and(|due| due <= now);
        let late =
            self.zygotes.by_generation.iter().filter(|(_, zygote)| late(zygote)).map(|(generation, _)| *generation);
        for generation in late.collect::<Vec<_>>() {
            let mut news = Vec::new();
            self.give_up(generation, &format!("has not answered for {} s", PATIENCE.as_secs()), &mut news);
            self.later.extend(news);
        }
    }

    /// This one is of no use any more: another one is started in its place when it is needed.
    pub(super) fn give_up(&mut self, generation: Generation, why: &str, news: &mut Vec<News>) {
        let Some(zygote) = self.zygotes.by_generation.remove(&generation) else { return };
        let pid = zygote.process.pid;
        log::warn!(
            "The process that the workers of generation {generation} are forked from (pid:{pid}) {why}; it is killed, and \
             the application is loaded anew when another worker is needed"
        );
        let _ = sys::signal::send(pid, Signal::KILL);
        self.close(zygote, "the process to fork it from was given up", news);
    }

    /// Everybody who still waits for this zygote has his answer.
    fn close(&mut self, zygote: Zygote, reason: &str, news: &mut Vec<News>) {
        let (order, waiting) = zygote.ledger.close();
        if let Some(Order { slot, lane, reports: Some(reports), .. }) = order {
            news.push(News::Event(self.untold(slot, lane, reports, reason)));
        }
        let failed = |slot| News::Event(Event::SpawnFailed { slot, reason: reason.to_owned() });
        news.extend(waiting.into_iter().map(failed));
    }

    /// Whether this dead child was a zygote. What it stood for, or what waits for it, has its answer now.
    pub fn bury_zygote(&mut self, reaped: &Reaped, news: &mut Vec<News>) -> bool {
        let Reaped { pid, status, .. } = *reaped;
        let mut zygotes = self.zygotes.by_generation.iter();
        let found = zygotes.find(|(_, zygote)| zygote.process.pid == pid).map(|(generation, _)| *generation);
        let Some(generation) = found else { return false };
        self.hear_zygote(generation, news);
        let Some(zygote) = self.zygotes.by_generation.remove(&generation) else { return false };
        if zygote.ready {
            log::warn!(
                "The process that the workers of generation {generation} are forked from (pid:{pid}) {status}; the \
                 application is loaded anew when another worker is needed"
            );
            self.close(zygote, "the process to fork it from has ended", news);
        } else {
            news.push(News::Death(*reaped));
            self.close(zygote, "the process that was to load the application for it has ended", news);
        }
        true
    }

    /// No worker is needed from these any more.
    pub fn end_zygotes(&mut self, which: impl Fn(Generation) -> bool) {
        let all = std::mem::take(&mut self.zygotes.by_generation);
        let mut news = Vec::new();
        for (generation, zygote) in all {
            let ends = which(generation);
            if ends {
                // It holds nothing that would have to end well. It may be dead already.
                let _ = sys::signal::send(zygote.process.pid, Signal::KILL);
            }
            if ends && zygote.ready {
                self.close(zygote, "it is not wanted any more", &mut news);
            } else {
                // The death of one that is not ready is still to be told.
                self.zygotes.by_generation.insert(generation, zygote);
            }
        }
        self.later.extend(news);
    }
}
