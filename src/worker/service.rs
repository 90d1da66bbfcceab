//! From hyper's request to the application and back, and what becomes of an application that fails.
//!
//! A handler that panics or fails costs its own client a 500, and nobody else anything. The panic itself, with its
//! place, is logged by the hook in `panics`.

use super::application::{Application, BoxError, chain};
use super::body::Body;
use super::connection::Connection;
use super::context::Worker;
use super::outgoing::Outgoing;
use super::request::Flight;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

/// The application as seen by one connection.
pub(super) struct Service<S> {
    application: S,
    worker: &'static Worker,
    connection: Connection,
}

impl<S> Service<S> {
    pub(super) fn new(application: S, worker: &'static Worker, connection: Connection) -> Self {
        Self { application, worker, connection }
    }
}

impl<S: Application> hyper::service::Service<Request<Incoming>> for Service<S> {
    type Response = Response<Outgoing<S::Body>>;
    type Error = Infallible;
    type Future = Answer<S>;

    fn call(&self, request: Request<Incoming>) -> Answer<S> {
        let has_body = !request.body().is_end_stream();
        let flight = Flight::begin(self.worker, self.connection.clone(), request.method(), request.uri(), has_body);
        // A clone for each request, as tower has it: readiness belongs to the one call that follows.
        let step = Step::Waiting { application: self.application.clone(), request: Some(request) };
        Answer { step, flight: Some(flight) }
    }
}

pin_project! {
    /// A response in the making.
    pub(super) struct Answer<S: Application> {
        #[pin]
        step: Step<S, S::Future>,
        flight: Option<Flight>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, F> {
        Waiting { application: S, request: Option<Request<Incoming>> },
        Calling { #[pin] future: F },
    }
}

/// How the application did not answer.
enum Failure {
    Panic,
    Error(BoxError),
}

impl<S: Application> Future for Answer<S> {
    type Output = Result<Response<Outgoing<S::Body>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(flight) = this.flight.as_ref() else { panic!("a response is polled after it was given") };
        let step = this.step.as_mut();
        // What a panic leaves behind is dropped and never looked at again.
        let result = match catch_unwind(AssertUnwindSafe(|| advance::<S>(step, flight, cx))) {
            Ok(poll) => ready!(poll).map_err(|error| Failure::Error(error.into())),
            Err(_payload) => Err(Failure::Panic),
        };
        let Some(flight) = this.flight.take() else { unreachable!("it was there a moment ago") };
        Poll::Ready(Ok(finish(result, flight)))
    }
}

fn advance<S: Application>(
    mut step: Pin<&mut Step<S, S::Future>>,
    flight: &Flight,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<S::Body>, S::Error>> {
    loop {
        let future = match step.as_mut().project() {
            StepProjection::Calling { future } => return future.poll(cx),
            StepProjection::Waiting { application, request } => {
                ready!(application.poll_ready(cx))?;
                let Some(request) = request.take() else { panic!("the application panicked before") };
                let mut request = request.map(Body::new);
                let extensions = request.extensions_mut();
                #[cfg(feature = "axum")]
                if let Some(peer) = flight.connection().peer().tcp() {
                    extensions.insert(axum::extract::ConnectInfo(peer));
                }
                extensions.insert(flight.connection().clone());
                application.call(request)
            }
        };
        step.set(Step::Calling { future });
    }
}

fn finish<B>(result: Result<Response<B>, Failure>, mut flight: Flight) -> Response<Outgoing<B>> {
    match result {
        Ok(mut response) => {
            flight.answered(response.status());
            if flight.worker().is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                last_of_its_connection(&mut response, &flight);
            }
            response.map(|body| Outgoing::application(body, flight))
        }
        Err(failure) => {
            match failure {
                Failure::Error(error) => {
                    crate::log::error!("The application failed to answer {}: {}", flight.describe(), chain(&*error));
                }
                Failure::Panic => crate::log::error!("The panic was in the answer to {}", flight.describe()),
            }
            flight.answered(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            last_of_its_connection(&mut response, &flight);
            response.map(|()| Outgoing::text("Internal Server Error\n", flight))
        }
    }
}

/// Makes hyper close the connection after this response, and say so in it.
fn last_of_its_connection<B>(response: &mut Response<B>, flight: &Flight) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    flight.connection().state().linger.store(true, Relaxed);
}
