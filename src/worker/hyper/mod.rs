//! Where hyper serves: HTTP/2, and the requests of HTTP/1 that may turn a connection into something else.
//!
//! - `service`: a request on its way to the application, and what becomes of one that fails.
//! - `outgoing`: the response's body, which ends the request.
//! - `task`: the connection.

mod outgoing;
mod service;
mod task;

pub(super) use task::{Hyper, http1_upgrade, http2};
