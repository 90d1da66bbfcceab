//! rustcorn for Python applications: the arbiter and the worker of the `rustcorn` crate, inside an interpreter.
//!
//! The floors; a module uses lower floors only:
//!
//! ```text
//! F4 launch         PythonLauncher: what a fresh child runs
//! F3 host   supervised   stacks   from settings to a host of either kind
//! F2 bridge   asgi   wsgi
//! F1 app   config   hooks   the import, and what kind of application it is; the settings file that is a program
//! F0 interp   report   leave  the interpreter: forks, environment, log, the end; places   fields   said: fields that come again;
//!    stretch         files as bodies   underscores   fields that may pass for others   asked   what is kept of a request
//! ```
//!
//! What is easier said in Python is in the package beside this crate (`python/rustcorn`).

use pyo3::prelude::*;

pub mod app;
pub mod asgi;
mod asked;
pub mod bridge;
pub mod config;
mod fields;
pub mod hooks;
pub mod host;
pub mod interp;
pub mod launch;
mod leave;
mod places;
mod report;
mod said;
mod stacks;
mod stretch;
mod supervised;
mod underscores;
pub mod wsgi;

/// The module `rustcorn._rustcorn`.
// Who imports it has the lock of the interpreter switched on: nothing here was made for threads of Python's that run at once.
#[pymodule(gil_used = true)]
fn _rustcorn(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(launch::start, module)?)?;
    module.add_function(wrap_pyfunction!(launch::options, module)?)?;
    module.add_function(wrap_pyfunction!(launch::cipher_suites, module)?)?;
    module.add_function(wrap_pyfunction!(interp::log, module)?)?;
    module.add_function(wrap_pyfunction!(interp::say, module)?)?;
    bridge::init(module)?;
    asgi::init(module)
}
