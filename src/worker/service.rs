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
use std::task::{Context, Poll, Waker, ready};

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
        let connection = self.connection.clone();
        let flight = Flight::begin(self.worker, connection.clone(), request.method(), request.uri(), has_body);
        let mut request = request.map(Body::new);
        #[cfg(feature = "axum")]
        if let Some(peer) = connection.peer().tcp() {
            request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        }
        request.extensions_mut().insert(connection);
        // A clone for each request, as tower has it: readiness belongs to the one call that follows.
        let mut application = self.application.clone();
        // Most services are ready always. One that is not is asked again by `poll`, which has somebody to wake.
        let step =
            catch_unwind(AssertUnwindSafe(|| match application.poll_ready(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) => Step::Calling { future: application.call(request) },
                Poll::Ready(Err(error)) => Step::Failed { failure: Some(Failure::Error(error.into())) },
                Poll::Pending => Step::Waiting { call: Some(Box::new((application, request))) },
            }));
        let step = step.unwrap_or(Step::Failed { failure: Some(Failure::Panic) });
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
        // Boxed: it is rare, and a request is large.
        Waiting { call: Option<Box<(S, Request<Body>)>> },
        Calling { #[pin] future: F },
        Failed { failure: Option<Failure> },
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
        // What a panic leaves behind is dropped and never looked at again.
        let step = this.step.as_mut();
        let result = match catch_unwind(AssertUnwindSafe(|| advance::<S>(step, cx))) {
            Ok(poll) => ready!(poll),
            Err(_payload) => Err(Failure::Panic),
        };
        let Some(flight) = this.flight.take() else { panic!("a response is polled after it was given") };
        Poll::Ready(Ok(finish(result, flight)))
    }
}

fn advance<S: Application>(
    mut step: Pin<&mut Step<S, S::Future>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<S::Body>, Failure>> {
    loop {
        let future = match step.as_mut().project() {
            StepProjection::Calling { future } => {
                return future.poll(cx).map_err(|error| Failure::Error(error.into()));
            }
            StepProjection::Waiting { call } => {
                if let Some((application, _)) = call.as_deref_mut() {
                    ready!(application.poll_ready(cx)).map_err(|error| Failure::Error(error.into()))?;
                }
                let Some((mut application, request)) = call.take().map(|call| *call) else {
                    return Poll::Ready(Err(Failure::Panic));
                };
                application.call(request)
            }
            StepProjection::Failed { failure } => return Poll::Ready(Err(failure.take().unwrap_or(Failure::Panic))),
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
