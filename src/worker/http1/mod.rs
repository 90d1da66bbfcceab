//! HTTP/1.0 and HTTP/1.1, spoken by this worker itself.
//!
//! hyper is not used here for three reasons: it lets pass what RFC 9112 wants refused, it keeps buffers for connections
//! that are idle, and a request costs more in it. What begins here and asks for another protocol (an upgrade, CONNECT,
//! HTTP/2) goes on in `hyper`, with the bytes that were read.
//!
//! - `scan`, `head`, `demands`, `chunked`: from bytes to a request, strictly. Pure.
//! - `known`: requests that need not be made anew.
//! - `encode`, `refuse`, `date`: from a response to bytes.
//! - `incoming`: the request's body on its way to the application.
//! - `wire`, `scratch`: the bytes, and the memory for them.
//! - `source`: where that body comes from.
//! - `task`, `receive`: the connection, and its wait for the next request.
//! - `exchange`, `begin`, `respond`, `ending`: one request on it, from its beginning to its end.
//! - `watch`, `half`: the client meanwhile: whether it sends, takes, and is still there.

mod begin;
mod chunked;
mod date;
mod demands;
mod encode;
mod ending;
mod exchange;
mod half;
mod head;
#[cfg(test)]
mod head_tests;
mod incoming;
mod known;
mod receive;
mod refuse;
mod respond;
mod scan;
mod scratch;
mod source;
mod task;
mod watch;
mod wire;

use super::request::{refusal, rules};
pub(super) use incoming::Incoming;
pub(super) use scan::HeadLimits;
pub use scratch::take_headers as spare_headers;
pub(super) use task::{Http1, Outcome};
