//! WSGI applications (PEP 3333).
//!
//! - `options`: what the operator decides.
//! - `host`: how a worker builds and runs one. `inline`: on the thread of the event loop. `pool`: on threads of their own.
//! - `service`, `queue`, `receive`, `reply`: from the engine's request to a job for Python.
//! - `wait`: how Python waits for what the event loop does. `handlers`: how its handlers of signals are called meanwhile.
//! - `call`, `environ`, `patterns`, `ends`, `names`, `text`: a job becomes a call of the application.
//! - `start`, `method`, `head`, `send`, `respond`: what the application answers. `body`, `file`: how the engine gets it.
//! - `input`, `errors`: `wsgi.input` and `wsgi.errors`.

mod body;
mod call;
mod ends;
mod environ;
mod errors;
mod file;
mod handlers;
mod head;
mod host;
#[allow(unsafe_code)]
mod inline;
mod input;
#[allow(unsafe_code)]
mod method;
mod names;
mod options;
mod patterns;
mod pool;
mod queue;
mod receive;
mod reply;
mod respond;
mod send;
mod service;
mod start;
#[allow(unsafe_code)]
mod text;
mod wait;

pub use host::WsgiHost;
pub use options::Options;
