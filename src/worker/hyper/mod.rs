//! Where hyper serves: HTTP/2, and the requests of HTTP/1 that may turn a connection into something else.
//!
//! - `admit`: what a HTTP/2 request must be.
//! - `streams`, `stream`, `executor`: the requests of a connection, each of them, and their tasks.
//! - `service`, `response`: a request on its way to the application, and what becomes of one that fails.
//! - `taken`, `outgoing`: the bodies of request and response. The last byte of the latter ends the request.
//! - `meter`, `calm`: what a HTTP/2 client sends for nothing, and what it is told then.
//! - `line`, `frames`: a connection that becomes the application's, and the end of a WebSocket.
//! - `task`: the connection.

mod admit;
mod calm;
mod executor;
mod frames;
mod line;
mod meter;
mod outgoing;
mod response;
mod service;
mod stream;
mod streams;
mod taken;
mod task;

pub(super) use line::Keeper;
pub(super) use taken::Taken;
pub(super) use task::{Hyper, http1_upgrade, http2};
