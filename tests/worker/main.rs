//! The worker by itself: a process with a seat made by hand, real sockets and real signals, without an arbiter.

mod apps;
mod bodies;
mod boot;
mod client;
mod drain;
mod fields;
mod h2kit;
mod half_close;
mod http2;
mod http2_attacks;
mod http2_limits;
mod limits;
mod malformed;
mod memory;
mod pipelining;
mod probe;
mod seat;
mod serving;
mod signals;
mod slow;
mod timeouts;
mod usage;
mod websocket;

/// Not a test: what this binary is when the harness starts it as a worker.
#[test]
fn worker_process() {
    seat::become_worker_if_told();
}
