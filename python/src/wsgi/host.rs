//! A worker with a WSGI application.

use super::call::Caller;
use super::handlers::Handlers;
use super::inline;
use super::options::Options;
use super::pool::Pool;
use super::queue::Queue;
use super::service::Wsgi;
use crate::{leave, report};
use pyo3::prelude::*;
use rustcorn::App;
use rustcorn::abi::Orders;
use rustcorn::types::exit;
use rustcorn::worker::{BootFailure, Host, Life, Pause, Place};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Builds a WSGI application and turns the event loop of its worker.
pub struct WsgiHost {
    callable: Py<PyAny>,
    options: Options,
    queue: Queue,
    built: Option<(Arc<Caller>, &'static Pause)>,
}

impl WsgiHost {
    /// A host for this application, which was imported already.
    #[must_use]
    pub fn new(callable: Py<PyAny>, options: Options) -> Self {
        Self { callable, options, queue: Queue::default(), built: None }
    }
}

impl Host for WsgiHost {
    type Service = Wsgi;

    fn threads(&self, _: &Orders) -> usize {
        // Of the runtime: the application has its own.
        1
    }

    fn build(&mut self, _: &Runtime, place: Place<'_>) -> Result<App<Wsgi>, BootFailure> {
        let caller = Python::attach(|py| {
            Caller::new(py, self.callable.clone_ref(py), &self.options).map_err(|error| BootFailure {
                code: exit::WORKER_BOOT,
                reason: format!("the worker cannot prepare for WSGI: {}", report::describe(py, &error)),
            })
        })?;
        self.built = Some((Arc::new(caller), place.pause));
        Ok(App::new(Wsgi::new(self.queue.clone(), self.options.clone())))
    }

    fn run(self, runtime: &Runtime, life: Life) -> i32 {
        let Some((caller, pause)) = self.built else {
            // `build` is always called first.
            return exit::WORKER_BOOT;
        };
        let handlers = match Handlers::hear(runtime) {
            Ok(handlers) => handlers,
            Err(error) => {
                report::error(&format!("The worker cannot wait for signals of the application's: {error}"));
                return exit::WORKER_BOOT;
            }
        };
        let code = if self.options.threads > 1 {
            let pool = Pool::start(self.options.threads, &caller, &self.queue);
            let code = inline::run_beside(runtime, life, &handlers);
            pool.stop();
            code
        } else {
            inline::run(&caller, runtime, life, &self.queue, pause, handlers)
        };
        leave::code().unwrap_or(code)
    }
}
