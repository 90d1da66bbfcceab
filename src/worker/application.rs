//! What can be served: any tower service over our request body, and what the application adds to it.

use super::body::Body;
use http::{Request, Response};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A service that rustcorn can serve: `axum::Router`, and every `tower::Service<Request<rustcorn::Body>>` that can be
/// cloned. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service that rustcorn can serve",
    label = "not a tower service over `http::Request<rustcorn::Body>`",
    note = "serve an `axum::Router`, or a `tower::Service<http::Request<rustcorn::Body>>` that is `Clone + Send + 'static`, whose future is `Send` and whose response body is an `http_body::Body`",
    note = "an `axum::Router<S>` needs its state first: `router.with_state(state)`"
)]
pub trait Application: Clone + Send + 'static {
    /// The body of its responses.
    type Body: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
    /// How it fails.
    type Error: Into<BoxError>;
    /// A request being answered.
    type Future: Future<Output = Result<Response<Self::Body>, Self::Error>> + Send + 'static;

    #[doc(hidden)]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    #[doc(hidden)]
    fn call(&mut self, request: Request<Body>) -> Self::Future;
}

impl<S, B> Application for S
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Body = B;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::poll_ready(self, cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        Service::call(self, request)
    }
}

/// A connection, from its acceptance to its end. If it panics, that is its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes a connection's task on.
pub(super) type Spawn = Box<dyn Fn(Task) + Send + Sync>;

pub(super) type ShutdownHook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>>>;

/// A service with more than routes: what a factory returns when the application wants a say in its worker's end.
///
/// ```
/// # fn router() -> axum::Router { axum::Router::new() }
/// fn app() -> rustcorn::App<axum::Router> {
///     rustcorn::App::new(router()).on_shutdown(async || { /* save what must not be lost */ })
/// }
/// ```
pub struct App<S> {
    pub(super) service: S,
    pub(super) on_shutdown: Option<ShutdownHook>,
    pub(super) spawn: Option<Spawn>,
}

impl<S> App<S> {
    /// Just the service.
    pub fn new(service: S) -> Self {
        Self { service, on_shutdown: None, spawn: None }
    }

    /// Runs `hook` in each worker that leaves in order, after its last response: on a graceful stop within what is left
    /// of `graceful_timeout` (which the worker cuts a second short for it, if the grace is two seconds or more), on a quick one within half a second. A worker that crashes or is
    /// killed has no chance to run it.
    ///
    /// On a reload, and when a worker is replaced for its age or size, the successor boots and serves before this hook
    /// runs here: what the hook gives back (a lock, a lease, a registration under a fixed name) is still taken while the
    /// successor's factory runs.
    #[must_use]
    pub fn on_shutdown<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        self.on_shutdown = Some(Box::new(move || Box::pin(hook())));
        self
    }

    /// Has somebody else than tokio poll the tasks of connections: a host with a loop of its own, which knows when an
    /// answer is there and would rather not wait for tokio's next turn.
    #[doc(hidden)]
    #[must_use]
    pub fn spawn_with(mut self, spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Box::new(spawn));
        self
    }
}

impl<S: fmt::Debug> fmt::Debug for App<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("service", &self.service).finish_non_exhaustive()
    }
}

/// At the end of an error's causes: its service has told of it by itself, and the worker's log need not.
#[derive(Debug)]
pub struct Told;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was told of")
    }
}

impl Error for Told {}

/// Writes why an application has failed, unless that is known.
pub(super) fn tell_failure(what: fmt::Arguments<'_>, error: &BoxError) {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if error.is::<Told>() {
            return;
        }
        cause = error.source();
    }
    crate::log::error!("{what}: {}", chain(&**error));
}

/// An error and what caused it, as one line. A cause that its error's own text already names is not repeated.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
