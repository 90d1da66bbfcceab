//! One worker, from its seat to its exit. It lives in the application's library, compiled with the
//! application, and serves HTTP/1.1 on tokio and hyper.
//!
//! - `boot`: the order of events.
//! - `host`, `pause`, `courtesy`: who builds the application, turns the event loop, and lets it sleep.
//! - `application`, `factory`, `body`, `connection`, `sendfile`: what an application sees.
//! - `accept`, `balance`, `doors`: taking connections.
//! - `serve`, `service`, `request`, `outgoing`, `io`, `registry`, `keepalive`: serving them.
//! - `tls`: the handshake in front of them.
//! - `sentinel`, `heartbeat`, `drain`, `panics`, `report`, `context`: the life of the process.
//!
//! It decides nothing about other workers and never speaks to the arbiter but through its reports and the scoreboard.
//! The counterpart that makes the seat is `arbiter`.

mod accept;
mod application;
mod body;
mod boot;
mod connection;
mod context;
mod courtesy;
mod drain;
mod export;
mod factory;
mod greet;
mod heartbeat;
mod host;
mod http1;
mod hyper;
mod panics;
mod patience;
mod pause;
mod progress;
mod registry;
mod remember;
mod report;
mod request;
mod sendfile;
mod sentinel;
mod serve;
mod slow;
mod state;
pub mod tls;
mod trust;
mod wire;

pub use application::{App, Application, BoxError, Task, Told};
pub use body::{Body, BodyError};
pub use boot::{Begun, begin, main_for, worker_main};
pub use connection::{Address, Connection};
pub use drain::{hook_left, requests_left};
pub use factory::IntoApp;
pub use host::{BootFailure, Host, Life, Place};
pub use http1::spare_headers;
pub use pause::Pause;
pub use remember::{Sightings, may_stay};
pub use sendfile::SendFile;
pub use sentinel::{grace_left, leave_in_order, leaving, tell_more_stacks, unless_hurried, was_stopped_quickly};

/// What stands behind the status on the first line of a HTTP/1 response, if it is not the usual; an extension of responses.
pub use ::hyper::ext::ReasonPhrase;
