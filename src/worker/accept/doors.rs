//! The inherited listening sockets, of which some are open to us at the moment: shared ones always, `SO_REUSEPORT`
//! lanes when they are ours or orphaned.

use super::door::{Accepted, Door};
use crate::abi::{SHARED_LANE, SeatListener};
use crate::sys::poll;
use std::io;
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll};
use std::time::Duration;

/// All listening sockets of this worker.
pub(in crate::worker) struct Doors {
    doors: Vec<Door>,
    /// Where the next look begins, so that no socket starves another.
    next: usize,
    /// Some that were to be opened are not: they do not listen yet, or they refuse.
    unopened: bool,
}

impl Doors {
    /// Takes the sockets over. None is open yet.
    pub(in crate::worker) fn inherit(listeners: &[SeatListener]) -> io::Result<Self> {
        let doors = listeners.iter().map(Door::inherit).collect::<io::Result<_>>()?;
        Ok(Self { doors, next: 0, unopened: false })
    }

    /// The lanes that there are, without the shared one.
    pub(in crate::worker) fn lanes(&self) -> Vec<u32> {
        self.doors.iter().map(|door| door.lane).filter(|lane| *lane != SHARED_LANE).collect()
    }

    /// Opens the shared sockets and those of `lanes`, of those that listen, and shuts the others. A socket that refuses
    /// stays as it was, and keeps no other from its place.
    pub(in crate::worker) fn open(&mut self, lanes: &[u32]) -> io::Result<()> {
        self.forget_ended();
        let wanted = |door: &Door| door.lane == SHARED_LANE || lanes.contains(&door.lane);
        let result = self.turn_all(|door| if wanted(&door) && door.listens() { door.opened() } else { door.shut() });
        self.unopened = self.doors.iter().any(|door| wanted(door) && door.outside().is_some());
        result
    }

    /// Whether some that were to be opened are not.
    pub(in crate::worker) fn has_unopened(&self) -> bool {
        self.unopened
    }

    /// Whether there are sockets that are in no bind any more.
    pub(in crate::worker) fn has_leaving(&self) -> bool {
        self.doors.iter().any(|door| door.leaving)
    }

    /// Takes the sockets that are in no bind any more out of the event loop: from now on there is [`Self::take`].
    pub(in crate::worker) fn shut_leaving(&mut self) -> io::Result<()> {
        self.turn_all(|door| if door.leaving { door.shut() } else { (Some(door), None) })
    }

    /// Closes the sockets that are in no bind any more and that nobody ends: those of somebody else.
    pub(in crate::worker) fn close_passed(&mut self) {
        self.doors.retain(|door| !(door.leaving && door.passed));
    }

    /// Closes all sockets but those that are in no bind any more.
    pub(in crate::worker) fn keep_leaving(&mut self) {
        self.doors.retain(|door| door.leaving);
    }

    /// Accepts from whichever open socket has a connection.
    pub(in crate::worker) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let count = self.doors.len();
        let mut has_ended = false;
        for turn in 0..count {
            let at = (self.next + turn) % count;
            match self.doors[at].poll_accept(cx) {
                Poll::Ready(Err(error)) if self.doors[at].has_ended(&error) => has_ended = true,
                Poll::Ready(answer) => {
                    self.next = (at + 1) % count;
                    return Poll::Ready(answer);
                }
                Poll::Pending => {}
            }
        }
        if has_ended {
            self.forget_ended();
        }
        Poll::Pending
    }

    /// The arbiter ends a socket that is in no bind any more when there was time to leave it.
    pub(in crate::worker) fn forget_ended(&mut self) {
        self.doors.retain(|door| !door.leaving || door.still_listens());
    }

    /// Replaces each door by what `how` makes of it; the newest trouble is the result.
    fn turn_all(&mut self, how: impl Fn(Door) -> (Option<Door>, Option<io::Error>)) -> io::Result<()> {
        let mut result = Ok(());
        for door in std::mem::take(&mut self.doors) {
            let (door, trouble) = how(door);
            self.doors.extend(door);
            if let Some(error) = trouble {
                result = Err(error);
            }
        }
        result
    }

    /// Takes all sockets out of the event loop, for good: from now on there is [`Self::take`]. Nobody can wait in one
    /// that has never listened.
    pub(in crate::worker) fn shut(&mut self) -> io::Result<()> {
        self.doors.retain(Door::listens);
        self.turn_all(Door::shut)
    }

    /// Takes what waits in shut sockets, whosever lane it is: none may be looked after by anybody else. Asks the kernel
    /// and not the event loop, which may not have heard of the newest. `WouldBlock`: there is nobody.
    pub(in crate::worker) fn take(&mut self) -> io::Result<Accepted> {
        self.take_from(|_| true)
    }

    /// The same from sockets that are in no bind any more.
    pub(in crate::worker) fn take_leaving(&mut self) -> io::Result<Accepted> {
        self.take_from(|door| door.leaving)
    }

    fn take_from(&mut self, wanted: impl Fn(&Door) -> bool) -> io::Result<Accepted> {
        let count = self.doors.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let door = &self.doors[at];
            match wanted(door).then(|| door.take()).flatten() {
                None => {}
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock || door.has_ended(&error) => {}
                Some(answer) => {
                    self.next = at;
                    return answer;
                }
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether somebody waits in a shut socket.
    pub(in crate::worker) fn somebody_waits(&self) -> bool {
        self.somebody_waits_in(|_| true)
    }

    /// The same of those that are in no bind any more.
    pub(in crate::worker) fn somebody_waits_in_leaving(&self) -> bool {
        self.somebody_waits_in(|door| door.leaving)
    }

    fn somebody_waits_in(&self, wanted: impl Fn(&Door) -> bool) -> bool {
        let fds: Vec<BorrowedFd<'_>> =
            self.doors.iter().filter(|door| wanted(door) && door.listens()).filter_map(Door::outside).collect();
        poll::wait(&fds, Some(Duration::ZERO)).is_ok_and(|readable| readable.contains(&true))
    }
}
