//! rustcorn for Python applications: the arbiter and the worker of the `rustcorn` crate, inside an interpreter.
//!
//! - `bridge`: asyncio's selector, which turns tokio's loop.
//! - `asgi`, `wsgi`: applications of either kind, as services.

use pyo3::prelude::*;

pub mod asgi;
pub mod bridge;
mod report;
mod trial;
pub mod wsgi;

/// The module `rustcorn._rustcorn`.
#[pymodule]
fn _rustcorn(module: &Bound<'_, PyModule>) -> PyResult<()> {
    asgi::init(module)?;
    trial::init(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
