//! From hyper's request to the application and back, and what becomes of an application that fails.
//!
//! A handler that panics or fails costs its own client a 500, and nobody else anything. The panic itself, with its
//! place, is logged by the hook in `panics`.

use super::outgoing::{Outgoing, Pending};
use crate::sys::clock;
use crate::worker::application::{Application, BoxError, chain};
use crate::worker::body::Body;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::request::{Flight, prepare};
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
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
        let now = clock::now();
        let mut flight = Flight::begin(self.worker, &request, now);
        self.connection.state().begins(now);
        let mut request = request.map(Body::hyper);
        flight.identify(request.headers_mut(), &self.connection);
        prepare(&mut request, &self.connection);
        let is_shared = request.version() == Version::HTTP_2;
        // A clone for each request, as tower has it: readiness belongs to the one call that follows.
        let step = Step::Waiting { application: self.application.clone(), request: Some(request) };
        Answer { step, pending: Some(Pending::new(flight, self.connection.clone())), worker: self.worker, is_shared }
    }
}

pin_project! {
    /// A response in the making.
    pub(super) struct Answer<S: Application> {
        #[pin]
        step: Step<S, S::Future>,
        pending: Option<Pending>,
        worker: &'static Worker,
        // The connection has other requests.
        is_shared: bool,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, F> {
        Waiting { application: S, request: Option<Request<Body>> },
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
        let step = this.step.as_mut();
        // What a panic leaves behind is dropped and never looked at again.
        let result = match catch_unwind(AssertUnwindSafe(|| advance::<S>(step, cx))) {
            Ok(poll) => ready!(poll).map_err(|error| Failure::Error(error.into())),
            Err(_payload) => Err(Failure::Panic),
        };
        let Some(pending) = this.pending.take() else { panic!("a response is polled after it was given") };
        let is_last = !*this.is_shared && this.worker.is_draining();
        Poll::Ready(Ok(finish(result, pending, is_last, *this.is_shared)))
    }
}

fn advance<S: Application>(
    mut step: Pin<&mut Step<S, S::Future>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<S::Body>, S::Error>> {
    loop {
        let future = match step.as_mut().project() {
            StepProjection::Calling { future } => return future.poll(cx),
            StepProjection::Waiting { application, request } => {
                ready!(application.poll_ready(cx))?;
                let Some(request) = request.take() else { panic!("the application panicked before") };
                application.call(request)
            }
        };
        step.set(Step::Calling { future });
    }
}

fn finish<B>(
    result: Result<Response<B>, Failure>,
    mut pending: Pending,
    is_last: bool,
    is_shared: bool,
) -> Response<Outgoing<B>> {
    match result {
        Ok(mut response) => {
            pending.answered(response.status());
            pending.sign(response.headers_mut());
            if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                last_of_its_connection(&mut response);
            }
            response.map(|body| Outgoing::application(body, pending))
        }
        Err(failure) => {
            let request = pending.describe();
            match failure {
                Failure::Error(error) => {
                    crate::log::error!("The application failed to answer {request}: {}", chain(&*error));
                }
                Failure::Panic => crate::log::error!("The panic was in the answer to {request}"),
            }
            pending.answered(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            pending.sign(response.headers_mut());
            if !is_shared {
                last_of_its_connection(&mut response);
            }
            response.map(|()| Outgoing::text("Internal Server Error\n", pending))
        }
    }
}

/// Makes hyper close the connection after this response, and say so in it.
fn last_of_its_connection<B>(response: &mut Response<B>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}
