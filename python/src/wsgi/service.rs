//! The application as the engine sees it: a request goes into the queue, and its answer comes back.

use super::body::{Answer, Body};
use super::options::Options;
use super::queue::{Job, Queue};
use super::receive::{self, Plan, Received};
use super::reply::{self, Awaited};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use rustcorn::BoxError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_service::Service;

/// A WSGI application.
#[derive(Clone)]
pub struct Wsgi {
    queue: Queue,
    options: Arc<Options>,
}

impl Wsgi {
    pub(super) fn new(queue: Queue, options: Options) -> Self {
        Self { queue, options: Arc::new(options) }
    }
}

impl Service<Request<rustcorn::Body>> for Wsgi {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<rustcorn::Body>) -> Answering {
        let (head, body) = request.into_parts();
        if self.options.underscores.refuse(&head) {
            let mut refusal = Response::new(Body::whole("Bad Request\n".into()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return Answering(Stage::Refused(Some(refusal)));
        }
        match receive::plan(body, &head.headers, &self.options) {
            Plan::Go(body) => Answering(Stage::Asked(ask(&self.queue, head, body))),
            Plan::Receive(body) => {
                let receiving = Box::pin(receive::receive(body, self.options.tmp_upload_dir.clone()));
                let queue = self.queue.clone();
                Answering(Stage::Receiving(Box::new(Receiving { head: Some(head), receiving, queue })))
            }
        }
    }
}

fn ask(queue: &Queue, head: Parts, body: Received) -> Awaited {
    let (reply, answer) = reply::channel();
    queue.push(Job { head, body, reply });
    answer
}

/// An answer that will be.
pub struct Answering(Stage);

enum Stage {
    Refused(Option<Response<Body>>),
    Receiving(Box<Receiving>),
    Asked(Awaited),
}

struct Receiving {
    head: Option<Parts>,
    receiving: Pin<Box<dyn Future<Output = Result<Received, BoxError>> + Send>>,
    queue: Queue,
}

impl Future for Answering {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        loop {
            match &mut self.0 {
                Stage::Refused(refusal) => {
                    return Poll::Ready(refusal.take().ok_or_else(|| "asked again".into()));
                }
                Stage::Receiving(receiving) => {
                    let body = ready!(receiving.receiving.as_mut().poll(cx))?;
                    let Some(head) = receiving.head.take() else { return Poll::Ready(Err("asked again".into())) };
                    let asked = ask(&receiving.queue, head, body);
                    self.0 = Stage::Asked(asked);
                }
                Stage::Asked(answer) => return answer.poll(cx),
            }
        }
    }
}
