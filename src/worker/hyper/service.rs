//! From hyper's request to the application and back, and what becomes of an application that fails.
//!
//! A handler that panics or fails costs its own client a 500, and nobody else anything. The panic itself, with its
//! place, is logged by the hook in `panics`.

use super::line::Tracker;
use super::outgoing::Outgoing;
use super::response::{Answered, finish};
use super::stream::Stream;
use super::streams::Streams;
use super::taken::Taken;
use super::{admit, executor};
use crate::sys::clock;
use crate::worker::application::{Application, BoxError};
use crate::worker::body::Body;
use crate::worker::connection::Connection;
use crate::worker::request::{Flight, Refusal, prepare};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The application as seen by one connection.
pub(super) struct Service<S> {
    pub(super) application: S,
    pub(super) streams: Arc<Streams>,
    /// None: HTTP/2.
    pub(super) tracker: Option<Tracker>,
}

impl<S: Application> hyper::service::Service<Request<Incoming>> for Service<S> {
    type Response = Response<Outgoing<S::Body>>;
    type Error = Infallible;
    type Future = Answer<S>;

    fn call(&self, mut request: Request<Incoming>) -> Answer<S> {
        let now = clock::now();
        let stream = self.streams.begin(now);
        if self.tracker.is_none() {
            executor::announce(&stream);
        }
        let asked = Asked {
            method: request.method().clone(),
            version: request.version(),
            has_body: !hyper::body::Body::is_end_stream(request.body()),
        };
        let (seen, refusal) = self.admit(&mut request);
        let mut flight = Flight::begin(self.streams.worker, &request, &seen, now);
        flight.identify(request.headers_mut(), &self.streams.connection);
        stream.flies(flight);
        let limit = self.streams.worker.orders.requests.limit_request_body;
        let is_http2 = asked.version == Version::HTTP_2;
        let mut request = request.map(|incoming| Body::hyper(Taken::new(incoming, is_http2, &stream, limit)));
        let step = match refusal {
            Some(refusal) => Step::Refused { refusal },
            None => {
                prepare(&mut request, seen, &self.streams.worker.room_for_facts);
                // A clone for each request, as tower has it: readiness belongs to the one call that follows.
                Step::Waiting { application: self.application.clone(), request: Some(request) }
            }
        };
        Answer { step, stream: Some(stream), streams: self.streams.clone(), tracker: self.tracker.clone(), asked }
    }
}

impl<S> Service<S> {
    /// The connection as it is for this request, and why that is refused, if it is.
    fn admit(&self, request: &mut Request<Incoming>) -> (Connection, Option<Refusal>) {
        // First, so that whatever becomes of the request is told of its client and not of a proxy.
        let connection = &self.streams.connection;
        let seen = self.streams.worker.trust.see(connection, request.headers());
        let refusal = self.check(request).err().or(seen.is_err().then_some(Refusal::CONTRADICTION));
        (seen.unwrap_or_else(|_| connection.clone()), refusal)
    }

    /// HTTP/1 requests were checked before they came here, but for what depends on the moment.
    fn check(&self, request: &mut Request<Incoming>) -> Result<(), Refusal> {
        let worker = self.streams.worker;
        if request.version() == Version::HTTP_2 {
            admit::admit(request, &worker.head_limits)?;
        }
        let limits = &worker.orders.requests;
        let length = admit::said_length(request.headers());
        if limits.limit_request_body > 0 && length.is_some_and(|length| length > limits.limit_request_body) {
            return Err(Refusal::BODY_TOO_LARGE);
        }
        if limits.limit_concurrency > 0 && worker.writer.in_flight() >= limits.limit_concurrency {
            return Err(Refusal::OVERLOADED);
        }
        Ok(())
    }
}

/// What the response depends on.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) has_body: bool,
}

pin_project! {
    /// A response in the making.
    pub(super) struct Answer<S: Application> {
        #[pin]
        step: Step<S, S::Future>,
        stream: Option<Arc<Stream>>,
        streams: Arc<Streams>,
        tracker: Option<Tracker>,
        asked: Asked,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, F> {
        Refused { refusal: Refusal },
        Waiting { application: S, request: Option<Request<Body>> },
        Calling { #[pin] future: F },
        Over,
    }
}

/// How the application did not answer.
pub(super) enum Failure {
    Panic,
    Error(BoxError),
    Refused(Refusal),
}

impl<S: Application> Future for Answer<S> {
    type Output = Result<Response<Outgoing<S::Body>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_ref() else { panic!("a response is polled after it was given") };
        stream.state.begin_task(cx.waker());
        let mut step = this.step.as_mut();
        // What a panic leaves behind is dropped and never looked at again.
        let result = match catch_unwind(AssertUnwindSafe(|| advance::<S>(step.as_mut(), cx))) {
            Ok(Poll::Ready(result)) => Some(result),
            Ok(Poll::Pending) => None,
            Err(_payload) => Some(Err(Failure::Panic)),
        };
        // A request that came to nothing meanwhile is refused whatever the application made of that.
        let result = match (stream.take_refusal(), result) {
            (Some(refusal), _) => Err(Failure::Refused(refusal)),
            (None, Some(result)) => result,
            (None, None) => return Poll::Pending,
        };
        // The application may panic again.
        drop(catch_unwind(AssertUnwindSafe(|| step.set(Step::Over))));
        let Some(stream) = this.stream.take() else { return Poll::Pending };
        let answered = Answered { streams: this.streams, stream, asked: this.asked, tracker: this.tracker.as_ref() };
        Poll::Ready(Ok(finish(result, answered)))
    }
}

fn advance<S: Application>(
    mut step: Pin<&mut Step<S, S::Future>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<S::Body>, Failure>> {
    let failed = |error: S::Error| Failure::Error(error.into());
    loop {
        let future = match step.as_mut().project() {
            StepProjection::Refused { refusal } => return Poll::Ready(Err(Failure::Refused(*refusal))),
            StepProjection::Over => return Poll::Pending,
            StepProjection::Calling { future } => return future.poll(cx).map_err(failed),
            StepProjection::Waiting { application, request } => {
                std::task::ready!(application.poll_ready(cx)).map_err(failed)?;
                let Some(request) = request.take() else { panic!("the application panicked before") };
                application.call(request)
            }
        };
        step.set(Step::Calling { future });
    }
}
