//! What an application needs of its worker's thread: how it is built, and who turns the event loop.
//!
//! A Rust application leaves both to tokio. One of another language may have a loop of its own, which then drives
//! tokio's from inside: that is what this trait is for.

use super::application::{App, Application, chain};
use super::courtesy;
use super::factory::IntoApp;
use super::panics;
use super::pause::Pause;
use crate::abi::Orders;
use crate::types::{Generation, SlotId, exit};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use tokio::runtime::{Builder, Runtime};

/// A worker's life from the moment its application stands: it serves, drains and ends with the exit code of the process.
pub type Life = Pin<Box<dyn Future<Output = i32>>>;

/// What a host may know of the worker.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The worker's slot.
    pub slot: SlotId,
    /// Its generation.
    pub generation: Generation,
    /// The settings that reach a worker.
    pub orders: &'a Orders,
    /// Keeps it from taking connections.
    pub pause: &'static Pause,
}

/// Why an application does not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootFailure {
    /// The exit code of the worker, and of a first start: [`exit::WORKER_BOOT`] or [`exit::APP_LOAD`].
    pub code: i32,
    /// One sentence for the operator, perhaps with a traceback below it.
    pub reason: String,
}

/// Builds an application and turns the event loop of its worker.
pub trait Host {
    /// What it builds.
    type Service: Application;

    /// How many threads the runtime has; one means that everything happens on the thread that calls.
    fn threads(&self, orders: &Orders) -> usize {
        orders.threads
    }

    /// Says how the runtime, of so many threads, is to be built beyond that.
    fn prepare(&mut self, _: &mut Builder, _threads: usize) {}

    /// Builds the application.
    ///
    /// # Errors
    ///
    /// The application is not there, or fails. `worker_main` reports it to the arbiter.
    fn build(&mut self, runtime: &Runtime, place: Place<'_>) -> Result<App<Self::Service>, BootFailure>;

    /// Runs `life` on `runtime` to its end, and returns what that returns.
    fn run(self, runtime: &Runtime, life: Life) -> i32;
}

/// The host of a Rust factory: tokio turns its own loop.
pub(super) struct RustHost<F, Shape> {
    factory: Option<F>,
    shape: PhantomData<fn() -> Shape>,
}

impl<F, Shape> RustHost<F, Shape> {
    pub(super) fn new(factory: F) -> Self {
        Self { factory: Some(factory), shape: PhantomData }
    }
}

impl<F, T, Shape> Host for RustHost<F, Shape>
where
    F: FnOnce() -> T,
    T: IntoApp<Shape>,
{
    type Service = T::Service;

    fn prepare(&mut self, runtime: &mut Builder, threads: usize) {
        // Several threads find each other's work without that.
        if threads <= 1 {
            courtesy::teach(runtime);
        }
    }

    fn build(&mut self, runtime: &Runtime, place: Place<'_>) -> Result<App<T::Service>, BootFailure> {
        let name = &place.orders.app;
        let failure = |reason| BootFailure { code: exit::WORKER_BOOT, reason };
        let Some(factory) = self.factory.take() else {
            return Err(failure(format!("the factory of {name} was called before")));
        };
        match catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { factory().into_app().await }))) {
            Ok(Ok(app)) => Ok(app),
            Ok(Err(error)) => Err(failure(format!("the factory of {name} failed: {}", chain(&*error)))),
            Err(payload) => {
                // It might panic when it is dropped.
                std::mem::forget(payload);
                let panic = panics::take_newest().unwrap_or_else(|| "an unknown place".to_owned());
                Err(failure(format!("the factory of {name} panicked at {panic}")))
            }
        }
    }

    fn run(self, runtime: &Runtime, life: Life) -> i32 {
        runtime.block_on(life)
    }
}
