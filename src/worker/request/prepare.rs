//! What the application finds in a request beyond what the client sent.

use crate::worker::connection::Connection;
use http::Request;

/// Adds the connection's facts.
pub(in crate::worker) fn prepare<B>(request: &mut Request<B>, connection: &Connection) {
    let extensions = request.extensions_mut();
    #[cfg(feature = "axum")]
    if let Some(peer) = connection.peer().tcp() {
        extensions.insert(axum::extract::ConnectInfo(peer));
    }
    extensions.insert(connection.clone());
}
