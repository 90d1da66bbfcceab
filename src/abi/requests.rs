//! What a worker has to know about requests: limits and times.

use serde::{Deserialize, Serialize};

/// Limits of requests. Zero means none. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestOrders {
    /// Bytes of a request line.
    pub limit_request_line: usize,
    /// Number of header fields.
    pub limit_request_fields: usize,
    /// Bytes of one header field.
    pub limit_request_field_size: usize,
    /// Bytes of a body.
    pub limit_request_body: u64,
    /// Requests in flight in one worker.
    pub limit_concurrency: usize,
    /// Requests on one connection.
    pub keepalive_requests: u64,
    /// For what comes before HTTP: a TLS handshake, a proxy's header.
    pub handshake_timeout: f64,
    /// For a request's head.
    pub header_timeout: f64,
    /// Without progress in a request's body.
    pub body_timeout: f64,
    /// Without progress in a response.
    pub write_timeout: f64,
    /// For a whole request, to the end of its response: one that has begun is cut.
    pub request_timeout: f64,
    /// Log a request that is older than this, once, with a stack trace.
    pub slow_request: f64,
    /// Send `Server`.
    pub server_header: bool,
    /// Send `Date`.
    pub date_header: bool,
    /// Fields of each response that has none of that name.
    pub headers: Vec<(String, String)>,
    /// The name of the field with a request's id; empty: requests have none.
    pub request_id_header: String,
}

impl Default for RequestOrders {
    fn default() -> Self {
        Self {
            limit_request_line: 4094,
            limit_request_fields: 100,
            limit_request_field_size: 8190,
            limit_request_body: 0,
            limit_concurrency: 0,
            keepalive_requests: 0,
            handshake_timeout: 10.0,
            header_timeout: 30.0,
            body_timeout: 30.0,
            write_timeout: 30.0,
            request_timeout: 0.0,
            slow_request: 0.0,
            server_header: true,
            date_header: true,
            headers: Vec::new(),
            request_id_header: String::new(),
        }
    }
}
