//! A connection that hyper serves.

use super::executor::Executor;
use super::line::{Keeper, Line, line};
use super::meter::Meter;
use super::service::Service;
use super::streams::Streams;
use crate::sys::clock;
use crate::worker::application::{Application, chain};
use crate::worker::connection::Connection;
use crate::worker::context::{Worker, seconds};
use crate::worker::patience::Late;
use crate::worker::request::{End, Refusal};
use crate::worker::state::{Moment, Wanted};
use crate::worker::wire::Io;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// How long a client may take to agree to the end of a connection that is not used any more.
const FAREWELL: Duration = Duration::from_secs(5);
/// Requests that are cancelled before we have looked at them; h2's own default.
const UNSEEN_RESETS: usize = 20;
/// What h2 keeps of one response for a client that does not take it.
const SEND_BUFFER: usize = 64 << 10;

type Http1<S> = http1::UpgradeableConnection<TokioIo<Line>, Service<S>>;
type Http2<S> = http2::Connection<TokioIo<Meter>, Service<S>, Executor>;

/// A connection that hyper serves. Ends with what the application has of it, if it has become the application's.
pub(in crate::worker) struct Hyper<S: Application> {
    protocol: Protocol<S>,
    streams: Arc<Streams>,
    /// The client was told that there will be no more requests here.
    is_ending: bool,
    farewell: Option<Pin<Box<Sleep>>>,
}

// As large as they come: the whole is in a box.
#[allow(clippy::large_enum_variant)]
enum Protocol<S: Application> {
    Http1 { http: Pin<Box<Http1<S>>>, keeper: Option<Keeper> },
    Http2 { http: Pin<Box<Http2<S>>> },
}

/// Serves one request that may turn the connection into something else; if it does not, the connection is closed.
pub(in crate::worker) fn http1_upgrade<S: Application>(
    io: Io,
    application: S,
    worker: &'static Worker,
    connection: Connection,
) -> Hyper<S> {
    // Whatever the client still sends after a response that is no upgrade must not destroy it.
    connection.state().set_linger(true);
    let streams = Streams::new(worker, connection);
    let (line, keeper, tracker) = line(io);
    let service = Service { application, streams: streams.clone(), tracker: Some(tracker) };
    // Each response that is no upgrade says that it is the last (see `response`).
    let http = http1::Builder::new()
        .auto_date_header(worker.orders.requests.date_header)
        .max_headers(worker.head_limits.fields)
        .serve_connection(TokioIo::new(line), service)
        .with_upgrades();
    let protocol = Protocol::Http1 { http: Box::pin(http), keeper: Some(keeper) };
    Hyper { protocol, streams, is_ending: true, farewell: None }
}

/// Serves a client that speaks HTTP/2.
pub(in crate::worker) fn http2<S: Application>(
    io: Io,
    application: S,
    worker: &'static Worker,
    connection: Connection,
) -> Hyper<S> {
    connection.state().waits(Moment::Fresh, clock::now());
    let streams = Streams::new(worker, connection);
    let service = Service { application, streams: streams.clone(), tracker: None };
    let http = builder(worker).serve_connection(TokioIo::new(Meter::new(io, streams.clone())), service);
    Hyper { protocol: Protocol::Http2 { http: Box::pin(http) }, streams, is_ending: false, farewell: None }
}

fn builder(worker: &Worker) -> http2::Builder<Executor> {
    let orders = &worker.orders.http2;
    let mut builder = http2::Builder::new(Executor);
    builder
        .timer(TokioTimer::new())
        .auto_date_header(worker.orders.requests.date_header)
        .enable_connect_protocol()
        .max_concurrent_streams(orders.max_concurrent_streams)
        .initial_stream_window_size(orders.initial_window_size)
        .initial_connection_window_size(orders.initial_window_size.saturating_mul(2))
        .max_frame_size(orders.max_frame_size)
        .max_header_list_size(orders.max_header_list_size)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(UNSEEN_RESETS)
        .max_local_error_reset_streams(orders.reset_limit as usize);
    let (interval, patience) = (seconds(orders.ping_interval), seconds(orders.ping_timeout));
    // Nobody answers in no time: every idle client would be cut.
    if !interval.is_zero() && !patience.is_zero() {
        builder.keep_alive_interval(interval).keep_alive_timeout(patience);
    }
    builder
}

impl<S: Application> Future for Hyper<S> {
    type Output = Option<Keeper>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Keeper>> {
        let this = &mut *self;
        let wanted = this.streams.connection.state().take_wanted();
        if wanted == Wanted::Cut {
            return Poll::Ready(this.abandon(End::Cut));
        }
        let is_evicted = wanted == Wanted::CloseIfIdle && this.streams.is_empty();
        // Before anything is read: what is here by now may be a request.
        let is_unheard = is_evicted && !this.streams.connection.state().has_unread_bytes();
        if is_evicted || this.has_had_enough() {
            this.end(cx);
        }
        if let Poll::Ready(result) = this.poll_protocol(cx) {
            if let Err(error) = result {
                // The client's doing as a rule (it left): nothing for an operator by day.
                crate::log::debug!("The connection of {} ended: {}", this.streams.connection.peer(), chain(&error));
            }
            return Poll::Ready(this.take_keeper());
        }
        if is_unheard && matches!(this.protocol, Protocol::Http2 { .. }) && this.streams.has_sent_all() {
            // GOAWAY with the rest; others wait for this place.
            return Poll::Ready(None);
        }
        if this.streams.is_reset_too_often() {
            // Its next attempt to read tells the client.
            drop(this.poll_protocol(cx));
            let peer = this.streams.connection.peer();
            crate::log::debug!("The connection of {peer} is closed: its client only asks and cancels");
            return Poll::Ready(this.abandon(End::ClientGone));
        }
        // Only now: what has come meanwhile is in time.
        if wanted == Wanted::Look && this.look(cx) {
            return Poll::Ready(this.abandon(End::TimedOut));
        }
        // This may have been its last request.
        if this.has_had_enough() {
            this.end(cx);
        }
        if this.poll_farewell(cx).is_ready() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<S: Application> Hyper<S> {
    fn poll_protocol(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match &mut self.protocol {
            Protocol::Http1 { http, .. } => http.as_mut().poll(cx),
            Protocol::Http2 { http } => http.as_mut().poll(cx),
        }
    }

    fn has_had_enough(&self) -> bool {
        let most = self.streams.worker.orders.requests.keepalive_requests;
        self.streams.worker.is_draining() || most > 0 && self.streams.served() >= most
    }

    /// Tells the client to ask no more here: GOAWAY. Whatever was asked until it has heard that is answered.
    fn end(&mut self, cx: &Context<'_>) {
        if let Protocol::Http2 { http } = &mut self.protocol
            && !std::mem::replace(&mut self.is_ending, true)
        {
            http.as_mut().graceful_shutdown();
            // It is sent by the next poll.
            cx.waker().wake_by_ref();
        }
    }

    /// A client that does not agree to the end of an idle connection is not waited for.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_ending || !self.streams.is_empty() || matches!(self.protocol, Protocol::Http1 { .. }) {
            self.farewell = None;
            return Poll::Pending;
        }
        self.streams.connection.state().parts();
        let farewell = self.farewell.get_or_insert_with(|| Box::pin(tokio::time::sleep(FAREWELL)));
        farewell.as_mut().poll(cx)
    }

    /// Ends the requests that take too long; true: the connection does.
    fn look(&mut self, cx: &Context<'_>) -> bool {
        let worker = self.streams.worker;
        let (now, draining) = (clock::now(), worker.is_draining());
        let is_shared = matches!(self.protocol, Protocol::Http2 { .. });
        let streams = self.streams.all();
        let (mut stuck, mut overdue) = (0, 0);
        for stream in &streams {
            match worker.limits.judge(&stream.state, now, draining) {
                Some(Late::Body) if !stream.is_answered() => stream.refuse(Refusal::BODY_TOO_SLOW),
                Some(Late::Answer) if !stream.is_answered() => stream.refuse(Refusal::NO_ANSWER_IN_TIME),
                // The rest of it is in hyper's hands, and cannot be taken back but with the connection.
                Some(Late::Reader) if stream.is_complete() || !is_shared => stuck += 1,
                Some(Late::Answer) if stream.is_complete() || !is_shared => overdue += 1,
                // Of the request's body too, though the response has begun.
                Some(Late::Body | Late::Reader | Late::Answer) => stream.cut(End::TimedOut),
                _ => {}
            }
        }
        if streams.is_empty() && worker.limits.judge(self.streams.connection.state(), now, draining).is_some() {
            self.end(cx);
            return !is_shared;
        }
        // The others on the connection do not pay for one of them, nor it for those that were served before it.
        let stands_still =
            || self.streams.stands_still_since().is_none_or(|since| worker.limits.is_late_reader(since, now));
        stuck + overdue > 0 && stuck + overdue == streams.len() && (stuck == 0 || stands_still())
    }

    /// The connection is over, with all its requests.
    fn abandon(&mut self, end: End) -> Option<Keeper> {
        self.streams.all().iter().for_each(|stream| stream.cut(end));
        None
    }

    fn take_keeper(&mut self) -> Option<Keeper> {
        match &mut self.protocol {
            Protocol::Http1 { keeper, .. } => keeper.take().filter(Keeper::is_held),
            Protocol::Http2 { .. } => None,
        }
    }
}
