//! What a worker has to know about HTTP/2.

use serde::{Deserialize, Serialize};

/// What a HTTP/2 client may do. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Http2Orders {
    /// It may speak HTTP/2 without TLS.
    pub cleartext: bool,
    /// Requests in flight on one connection.
    pub max_concurrent_streams: u32,
    /// Bytes of a request's body that the application has not read; of all bodies of a connection, twice as many.
    pub initial_window_size: u32,
    /// Bytes of one frame.
    pub max_frame_size: u32,
    /// Bytes of a request's head, uncompressed.
    pub max_header_list_size: u32,
    /// Requests that it may cancel beyond those that were answered.
    pub reset_limit: u32,
    /// How long it may be silent before it is asked for a sign of life; 0: for ever.
    pub ping_interval: f64,
    /// How long it may take to give that; 0: it is not asked.
    pub ping_timeout: f64,
}

impl Default for Http2Orders {
    fn default() -> Self {
        Self {
            cleartext: true,
            max_concurrent_streams: 100,
            initial_window_size: 262_144,
            max_frame_size: 16384,
            max_header_list_size: 65536,
            reset_limit: 200,
            ping_interval: 30.0,
            ping_timeout: 20.0,
        }
    }
}
