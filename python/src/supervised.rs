//! What every host of Python's has in common: it calls the operator's hooks.

use crate::hooks::Config;
use pyo3::prelude::*;
use rustcorn::abi::Orders;
use rustcorn::sys::signal::WorkerInbox;
use rustcorn::types::exit;
use rustcorn::worker::{App, BootFailure, Host, Life, Place};
use tokio::runtime::{Builder, Runtime};

/// A host with that around it.
pub struct Supervised<'a, H> {
    /// The host of this kind of application.
    pub host: H,
    /// The application, as hooks see it.
    pub app: Py<PyAny>,
    /// What the operator wants to be run.
    pub config: Option<&'a Config>,
}

impl<H: Host> Host for Supervised<'_, H> {
    type Service = H::Service;

    fn threads(&self, orders: &Orders) -> usize {
        self.host.threads(orders)
    }

    fn prepare(&mut self, runtime: &mut Builder, threads: usize) {
        self.host.prepare(runtime, threads);
    }

    fn build(&mut self, runtime: &Runtime, place: Place<'_>) -> Result<App<H::Service>, BootFailure> {
        let built = self.host.build(runtime, place)?;
        if let Some(config) = self.config {
            let told = Python::attach(|py| config.loaded(py, self.app.bind(py)));
            told.map_err(|reason| BootFailure { code: exit::WORKER_BOOT, reason })?;
        }
        // The application, or a hook, may have installed handlers of its own: both are called.
        WorkerInbox::share().map_err(|error| BootFailure {
            code: exit::WORKER_BOOT,
            reason: format!("the worker cannot hear signals beside the application: {error}"),
        })?;
        Ok(built)
    }

    fn run(self, runtime: &Runtime, life: Life) -> i32 {
        self.host.run(runtime, life)
    }
}
