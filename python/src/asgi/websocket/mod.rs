//! WebSockets (RFC 6455, with RFC 7692's compression; RFC 8441 over HTTP/2).
//!
//! - `session`: one connection between the two loops.
//! - `channel`: what the application calls.
//! - `handshake`: the answer that opens it.
//! - `frames`: from bytes to messages and back; `deflate`: smaller ones.
//! - `pump`: the connection's task.

mod channel;
mod deflate;
mod frames;
mod handshake;
mod pump;
mod session;

pub(super) use handshake::is_websocket;
pub(super) use session::Session;
