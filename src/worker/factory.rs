//! The function that builds the application: sync or async, fallible or not, a bare service or an [`App`].
//!
//! The marker types exist so that the compiler can tell the shapes apart; nobody names them.

use super::application::{App, Application, BoxError};
use std::error::Error;
use std::future::Future;

/// What a factory may return. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a rustcorn factory can return",
    label = "returned by the factory",
    note = "a factory is a `fn` or `async fn` without arguments that returns a router, an `App`, or a `Result` of one of these",
    note = "a router is an `axum::Router` (with its state given), or any `tower::Service<http::Request<rustcorn::Body>>` that is `Clone + Send + 'static`",
    note = "the error of a `Result` must be `std::error::Error + Send + Sync`, a text, or a `Box<dyn Error>`"
)]
pub trait IntoApp<Shape> {
    /// The service inside.
    type Service: Application;

    #[doc(hidden)]
    fn into_app(self) -> impl Future<Output = Result<App<Self::Service>, BoxError>>;
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Bare;
#[doc(hidden)]
#[derive(Debug)]
pub struct Whole;
#[doc(hidden)]
#[derive(Debug)]
pub struct Fallible<Shape>(Shape);
#[doc(hidden)]
#[derive(Debug)]
pub struct FallibleLocal<Shape>(Shape);
#[doc(hidden)]
#[derive(Debug)]
pub struct Eventual<Shape>(Shape);

impl<S: Application> IntoApp<Bare> for S {
    type Service = S;

    async fn into_app(self) -> Result<App<S>, BoxError> {
        Ok(App::new(self))
    }
}

impl<S: Application> IntoApp<Whole> for App<S> {
    type Service = S;

    async fn into_app(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl<T, E, Shape> IntoApp<Fallible<Shape>> for Result<T, E>
where
    T: IntoApp<Shape>,
    E: Into<BoxError>,
{
    type Service = T::Service;

    async fn into_app(self) -> Result<App<T::Service>, BoxError> {
        self.map_err(Into::into)?.into_app().await
    }
}

/// `Box<dyn Error>` is not `Send`, so it becomes its text here.
impl<T, Shape> IntoApp<FallibleLocal<Shape>> for Result<T, Box<dyn Error>>
where
    T: IntoApp<Shape>,
{
    type Service = T::Service;

    async fn into_app(self) -> Result<App<T::Service>, BoxError> {
        self.map_err(|error| BoxError::from(super::application::chain(&*error)))?.into_app().await
    }
}

impl<Fut, Shape> IntoApp<Eventual<Shape>> for Fut
where
    Fut: Future,
    Fut::Output: IntoApp<Shape>,
{
    type Service = <Fut::Output as IntoApp<Shape>>::Service;

    async fn into_app(self) -> Result<App<Self::Service>, BoxError> {
        self.await.into_app().await
    }
}
