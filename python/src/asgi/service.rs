//! The application as the worker sees it.

use super::exchange::Exchange;
use super::fault::Fault;
use super::host::Setup;
use super::output::Piece;
use super::websocket::{self, Session};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use rustcorn::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tower_service::Service;

/// The application.
#[derive(Clone)]
pub struct Asgi(pub(super) Arc<Setup>);

impl Service<Request<Body>> for Asgi {
    type Response = Response<Reply>;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let is_websocket = websocket::is_websocket(&request);
        let (parts, body) = request.into_parts();
        if self.0.options.underscores.refuse(&parts) {
            return Answer(Asked::Refused);
        }
        if !is_websocket {
            return Answer(Asked::Http(Exchange::new(self.0.clone(), parts, body)));
        }
        Answer(Session::new(self.0.clone(), parts).map_or(Asked::Nothing, Asked::WebSocket))
    }
}

/// The head of a response in the making.
pub struct Answer(Asked);

enum Asked {
    Http(Arc<Exchange>),
    WebSocket(Arc<Session>),
    /// The application does not hear of it.
    Refused,
    /// The answer was given.
    Nothing,
}

impl Future for Answer {
    type Output = Result<Response<Reply>, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &self.0 {
            Asked::Http(exchange) => ready!(poll_http(exchange, cx)),
            Asked::WebSocket(session) => ready!(session.poll_answer(cx)),
            Asked::Refused => Ok(refusal()),
            Asked::Nothing => Err(Fault::new("the request is no WebSocket's")),
        };
        self.0 = Asked::Nothing;
        Poll::Ready(answer)
    }
}

/// Of a request with a field whose name may be meant to pass for another's (`header_map`).
fn refusal() -> Response<Reply> {
    let mut response = Response::new(Reply::whole("Bad Request\n".into()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

fn poll_http(exchange: &Arc<Exchange>, cx: &mut Context<'_>) -> Poll<Result<Response<Reply>, Fault>> {
    let mut state = exchange.lock();
    if let Some(answer) = state.answer.take() {
        if answer.is_ok() && state.input.is_open() && !state.output.is_finished() {
            // Whoever waits for the response must not wait for the request's body.
            drop(tokio::spawn(Reader(exchange.clone())));
        }
        return Poll::Ready(answer);
    }
    if state.input.poll(cx) {
        exchange.call_python(&mut state);
    }
    remember(&mut state.worker, cx);
    Poll::Pending
}

impl Drop for Answer {
    fn drop(&mut self) {
        match &self.0 {
            Asked::Http(exchange) => exchange.leave(),
            Asked::WebSocket(session) => session.ends(1006, ""),
            Asked::Refused | Asked::Nothing => {}
        }
    }
}

/// Reads the request's body for an application that has begun to answer.
struct Reader(Arc<Exchange>);

impl Future for Reader {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.input.poll(cx) {
            self.0.call_python(&mut state);
        }
        if state.gone || !state.input.is_open() || state.output.is_finished() {
            return Poll::Ready(());
        }
        remember(&mut state.input.reader, cx);
        Poll::Pending
    }
}

pub(super) fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}

/// The body of a response.
pub struct Reply(Kind);

enum Kind {
    /// All of it.
    Whole(Bytes),
    /// What the application sends, as it sends it; none: the worker knows its end.
    Stream(Option<Arc<Exchange>>),
}

impl Reply {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    pub(super) fn stream(exchange: Arc<Exchange>) -> Self {
        Self(Kind::Stream(Some(exchange)))
    }
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let stream = match &mut self.0 {
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                return Poll::Ready(Some(bytes).filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))));
            }
            Kind::Stream(stream) => stream,
        };
        let Some(exchange) = stream else { return Poll::Ready(None) };
        let mut state = exchange.lock();
        let (piece, has_room) = state.output.next(cx);
        if has_room {
            exchange.call_python(&mut state);
        }
        let frame = match piece {
            Piece::Data(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
            Piece::Wait => {
                remember(&mut state.worker, cx);
                return Poll::Pending;
            }
            Piece::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Piece::Fault(fault) => Some(Err(fault)),
            Piece::End => None,
        };
        drop(state);
        if frame.as_ref().is_some_and(Result::is_err) {
            exchange.leave();
        }
        *stream = None;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(stream) => stream.as_ref().is_none_or(|exchange| exchange.lock().output.is_end()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Kind::Stream(Some(exchange)) = &self.0
            && !exchange.lock().output.is_end()
        {
            exchange.leave();
        }
    }
}
