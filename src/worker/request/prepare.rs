//! What the application finds in a request beyond what the client sent.

use crate::worker::connection::Connection;
use http::Request;

/// Adds the connection's facts, as they are for this request ([`crate::worker::trust::Trust::see`]).
pub(in crate::worker) fn prepare<B>(request: &mut Request<B>, connection: Connection) {
    let extensions = request.extensions_mut();
    #[cfg(feature = "axum")]
    if let Some(client) = connection.client() {
        extensions.insert(axum::extract::ConnectInfo(client));
    }
    extensions.insert(connection);
}
