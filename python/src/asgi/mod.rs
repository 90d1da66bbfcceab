//! ASGI applications (asgiref's specifications: www 2.5, lifespan 2.0, tls 0.2).
//!
//! - `host`, `lifespan`: the application in its worker, and its first and last words.
//! - `service`: what the worker calls, and the body of its responses.
//! - `exchange`: a request between the two loops; `input`, `output`: its two directions.
//! - `channel`: what the application calls; `waiting`: what it awaits; `waiters`: all who wait for the same.
//! - `spawn`, `run`: its task; `running`: how many of them there are; `ending`: their end.
//! - `scope`, `headers`, `address`, `head`: from Rust's request to Python's, and from Python's response to Rust's.
//! - `extensions`, `file`: what goes beyond.
//! - `websocket`: WebSockets.
//! - `fault`: what becomes of an application that fails.

mod address;
mod channel;
mod ending;
mod exchange;
mod extensions;
mod fault;
mod file;
mod head;
mod headers;
mod host;
mod input;
mod lifespan;
mod message;
mod options;
mod output;
mod run;
mod running;
mod scope;
mod service;
mod spawn;
mod waiters;
mod waiting;
mod websocket;

pub use host::AsgiHost;
pub use options::Options;

use pyo3::prelude::*;

/// Lets the interpreter's and the worker's handlers of the same signals both be called.
#[pyfunction]
fn _share_signals() -> PyResult<()> {
    Ok(rustcorn::sys::signal::WorkerInbox::share()?)
}

/// Adds what this half of the package gives to Python.
pub(crate) fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("ClientDisconnected", module.py().get_type::<fault::ClientDisconnected>())?;
    module.add_function(wrap_pyfunction!(_share_signals, module)?)
}
