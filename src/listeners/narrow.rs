//! A bind that a reload makes narrower: 0.0.0.0:80, and then 127.0.0.1:80.
//!
//! Linux gives a connection to the socket whose address fits best. So the narrow socket is bound at the reload, but it is
//! *dormant*: it does not listen before the reload is done, and no worker of before serves any more. Until then, and for
//! ever if the new workers cannot boot, all connections go to the wide one, which the new workers accept from like the
//! old ones. Then the arbiter lets the narrow one listen and lets go of the wide one, which *leaves*: the workers accept
//! from it for a moment more, since a handshake that began there also ends there. After that moment, and when nobody
//! waits there for a worker that has it (but for no longer than a request may take), the arbiter ends it, for whoever has
//! it still; until then nothing is opened that would have to be beside it. While they overlap all of them have
//! `SO_REUSEPORT`, which Linux asks for when a socket is bound and again when it begins to listen.
//!
//! An upgrade (USR2) can make a bind narrower, too: then the workers of before are those of the old arbiter, and the
//! new one settles when that has gone. As long as two arbiters serve, neither settles.

use super::error::{ListenError, refuse};
use super::listener::Listener;
use super::open::Listeners;
use super::tcp;
use crate::sys::{accepting, poll, socket};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

impl Listener {
    /// Whether it is bound, but does not listen before the reload is done.
    pub(super) fn is_dormant(&self) -> bool {
        self.sockets().iter().any(|socket| !accepting::accepts_connections(socket))
    }

    /// Whether it is in no bind any more, and is accepted from only until what has begun there has ended.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether somebody else has opened it for us, and may have it still.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.passed
    }

    /// Lets it overlap with others of ours. [`Listeners::settle`] ends that.
    pub(super) fn overlap(&self) -> io::Result<()> {
        // A Unix socket never does, and Linux refuses it the option.
        if self.tcp().is_none() {
            return Ok(());
        }
        for socket in self.sockets().iter().filter(|socket| !socket::reuses_port(socket)) {
            socket::set_reuse_port(socket, true)?;
            self.overlaps.set(true);
        }
        Ok(())
    }

    /// Another arbiter has it from now on, and may let it overlap.
    pub(super) fn may_overlap(&self) {
        if self.tcp().is_some() && !self.sockets().iter().any(socket::reuses_port) {
            self.overlaps.set(true);
        }
    }

    fn overlap_no_more(&self) {
        let sockets = self.sockets();
        if self.overlaps.replace(false) && sockets.iter().any(socket::reuses_port) {
            for socket in sockets {
                // Whoever may join now could join a moment ago, too.
                let _ = socket::set_reuse_port(&socket, false);
            }
            if let Some(address) = self.tcp() {
                socket::forget_reuse_port(address.port());
            }
        }
    }
}

/// How a load goes on with `spare`, a listener that is in none of its `binds`; none: not at all.
pub(super) fn keep_beside(spare: &Listener, binds: &[Listener], certificates: bool) -> Option<Listener> {
    if spare.is_dormant() {
        // Nobody has ever waited in it.
        return None;
    }
    // What is within a bind stays open beside it, and speaks as it does: connections wait in it.
    if let Some(wider) = binds.iter().find(|bind| tcp::replaces(bind, &spare.address)) {
        return Some(Listener { tls: wider.tls, ..spare.share() });
    }
    let is_wide = binds.iter().any(|bind| tcp::replaces(spare, &bind.address));
    is_wide.then(|| Listener { leaving: true, tls: spare.tls && certificates, ..spare.share() })
}

impl Listeners {
    /// These are the listeners that serve, and no others: all of them listen, those that leave are let go, and nobody may
    /// join any more. Whether there were some to let go: [`Self::close_left`] ends them.
    ///
    /// # Errors
    /// If one cannot listen; those that it was to replace stay. To be tried again after the next reload.
    pub fn settle(&mut self) -> Result<bool, ListenError> {
        for listener in self.all.iter().filter(|listener| listener.is_dormant()) {
            let awake = || {
                // Another arbiter that has them too may have thought that they overlap no more.
                self.all.iter().try_for_each(Listener::overlap)?;
                listener.sockets().iter().try_for_each(|socket| accepting::listen(socket, self.backlog))
            };
            awake().map_err(|error| refuse(&listener.name, format!("it was bound, but cannot listen: {error}")))?;
        }
        self.all.iter().for_each(Listener::overlap_no_more);
        let leaving = self.all.extract_if(.., |listener| listener.leaving);
        // What was passed to us is somebody else's, too.
        let mut ours: Vec<_> = leaving.filter(|listener| !listener.passed).collect();
        let do_some_leave = !ours.is_empty();
        self.custody.left_sockets.borrow_mut().append(&mut ours);
        Ok(do_some_leave)
    }

    /// Whether [`Self::close_left`] would send somebody away who has connected.
    #[must_use]
    pub fn does_somebody_wait_in_left(&self) -> bool {
        let left = self.custody.left_sockets.borrow();
        let sockets: Vec<_> = left.iter().flat_map(Listener::sockets).collect();
        let fds: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        poll::wait(&fds, Some(Duration::ZERO)).is_ok_and(|waits| waits.contains(&true))
    }

    /// Whoever was to leave the sockets that [`Self::settle`] has let go of has done so. They listen no more, even if a
    /// worker of before, or one that hangs, has them still.
    pub fn close_left(&self) {
        for listener in self.custody.left_sockets.take() {
            for socket in listener.sockets() {
                // One that listens no more is as it should be.
                let _ = accepting::stop_listening(&socket);
            }
            if let Some(address) = listener.tcp() {
                socket::forget_reuse_port(address.port());
            }
        }
    }
}
