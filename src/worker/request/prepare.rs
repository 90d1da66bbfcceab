//! What the application finds in a request beyond what the client sent.

use crate::worker::connection::Connection;
use http::{Extensions, Request};

/// Adds the connection's facts, as they are for this request ([`crate::worker::trust::Trust::see`]), to `room`.
pub(in crate::worker) fn prepare<B>(request: &mut Request<B>, connection: Connection, room: &Extensions) {
    let extensions = request.extensions_mut();
    if extensions.is_empty() {
        *extensions = room.clone();
    }
    #[cfg(feature = "axum")]
    if let Some(client) = connection.client() {
        extensions.insert(axum::extract::ConnectInfo(client));
    }
    extensions.insert(connection);
}

/// Empty, with room for our facts and for a router's. A copy costs less than one that has to grow on the way, which is
/// as much work as filling it anew.
pub(in crate::worker) fn room_for_facts() -> Extensions {
    let mut room = Extensions::new();
    room.insert(Filler::<0>);
    room.insert(Filler::<1>);
    room.insert(Filler::<2>);
    room.insert(Filler::<3>);
    room.clear();
    room
}

/// A type of its own for each number.
#[derive(Clone)]
struct Filler<const N: usize>;
