//! A bind that a reload makes narrower: 0.0.0.0:80, and then 127.0.0.1:80.
//!
//! Linux gives a connection to the socket whose address fits best. So the narrow socket is bound at the reload, but does
//! not listen before the first new worker serves: until then, and for ever if the new workers cannot boot, its
//! connections go to the wide one. From then on the wide one *leaves*: the old workers take what waits in it when they
//! go, and the new ones accept from it for a moment more, since a handshake that began there also ends there. In the
//! meantime all of them have `SO_REUSEPORT`, because Linux asks for it again when the narrow one begins to listen.

use super::bind::Place;
use super::listener::Listener;
use super::open::Listeners;
use super::tcp;
use crate::sys::{accepting, socket};

impl Listener {
    /// Whether it is bound, but waits for the first worker to listen.
    pub(super) fn is_dormant(&self) -> bool {
        self.sockets().iter().any(|socket| !accepting::accepts_connections(socket))
    }

    /// The same listener for a load that has only parts of its address.
    pub(super) fn share_leaving(&self, certificates: bool) -> Self {
        Self { leaving: true, tls: self.tls && certificates, ..self.share() }
    }

    /// Whether it is in no bind any more, and only those are accepted whose handshake has begun.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }
}

/// Whether `spare` includes one of `binds`.
pub(super) fn is_narrowed(spare: &Listener, binds: &[Listener]) -> bool {
    binds.iter().any(|bind| tcp::replaces(spare, &bind.address))
}

/// After a reload, or the end of an attempt: lets go of the sockets that leave and are no load's own, and lets nobody
/// join any more. Nothing happens before all workers that there shall be have what they need. `lanes`: the sockets have
/// `SO_REUSEPORT` for good.
pub fn settle(loads: &mut [&mut Listeners], lanes: bool) {
    let is_pending = |listeners: &Listeners| listeners.iter().any(Listener::is_dormant);
    if loads.iter().any(|load| is_pending(load)) {
        return;
    }
    let own: Vec<Listener> = loads.iter().flat_map(|load| load.lasting()).map(Listener::share).collect();
    for load in loads {
        load.all.retain(|listener| !listener.leaving || own.iter().any(|own| own.is_same(listener)));
    }
    for listener in own.iter().filter(|own| !lanes && matches!(own.place, Place::Tcp { .. })) {
        for socket in listener.sockets().iter().filter(|socket| socket::reuses_port(socket)) {
            // Whoever may join now could join a moment ago, too.
            let _ = socket::set_reuse_port(socket, false);
        }
    }
}
