//! The task of one connection, through all the protocols that it may speak.

use super::application::Application;
use super::connection::{Address, Connection};
use super::context::Worker;
use super::greet::{self, Greeted};
use super::http1::{Http1, Outcome};
use super::hyper::{self, Hyper, Keeper};
use super::state::{ConnectionState, Moment, Wanted};
use super::wire::{Io, Stream};
use crate::sys::clock;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Takes an accepted connection on. It counts as ours before this returns.
pub(super) fn spawn<S: Application>(
    worker: &'static Worker,
    application: S,
    stream: Stream,
    peer: Address,
    local: Address,
    tls: bool,
) {
    worker.writer.connection_opened();
    let state = ConnectionState::new(stream.fd(), clock::now());
    let connection = Connection::new(peer, local, worker.slot, worker.generation, state);
    let io = Io::new(stream, worker, connection.clone());
    let protocol = if greet::is_needed(worker, tls) {
        connection.state().waits(Moment::Greeting, clock::now());
        Protocol::Greeting { greeting: Box::pin(greet::greet(worker, io, connection.clone(), tls)) }
    } else {
        Protocol::Http1 { http1: Http1::new(io, application.clone(), worker, connection.clone()) }
    };
    let task = Serve { protocol, application, worker, connection, begun: false };
    match worker.spawn.get() {
        Some(spawn) => spawn(Box::pin(task)),
        None => drop(tokio::spawn(task)),
    }
}

pin_project! {
    struct Serve<S: Application> {
        #[pin]
        protocol: Protocol<S>,
        application: S,
        worker: &'static Worker,
        connection: Connection,
        begun: bool,
    }
}

pin_project! {
    #[project = ProtocolProjection]
    enum Protocol<S: Application> {
        Greeting { greeting: Greeting },
        Http1 { #[pin] http1: Http1<S> },
        // Rarely, and much larger: an idle HTTP/1 connection does not pay for it.
        Hyper { hyper: Pin<Box<Hyper<S>>> },
        // The application's own by now.
        Kept { keeper: Keeper },
    }
}

impl<S: Application> Future for Serve<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !std::mem::replace(this.begun, true) {
            this.connection.state().begin_task(cx.waker());
        }
        loop {
            let (worker, state) = (*this.worker, this.connection.state());
            let outcome = match this.protocol.as_mut().project() {
                ProtocolProjection::Greeting { greeting } => {
                    let greeted = ready!(poll_greeting(greeting, worker, this.connection, cx));
                    let Some(Greeted { io, http2 }) = greeted else {
                        state.end_task();
                        return Poll::Ready(());
                    };
                    state.waits(Moment::Fresh, clock::now());
                    if http2 {
                        Outcome::Http2(io)
                    } else {
                        let http1 = Http1::new(io, this.application.clone(), worker, this.connection.clone());
                        this.protocol.set(Protocol::Http1 { http1 });
                        continue;
                    }
                }
                ProtocolProjection::Http1 { http1 } => ready!(http1.poll(cx)),
                ProtocolProjection::Hyper { hyper } => match ready!(hyper.as_mut().poll(cx)) {
                    None => Outcome::Closed,
                    Some(keeper) => {
                        // Half a close is the application's to make: what its client still sends is for it.
                        state.set_linger(false);
                        state.waits(Moment::Upgraded, clock::now());
                        this.protocol.set(Protocol::Kept { keeper });
                        continue;
                    }
                },
                ProtocolProjection::Kept { keeper } => {
                    if state.take_wanted() == Wanted::Cut {
                        keeper.cut();
                    } else {
                        ready!(keeper.poll(worker.is_draining(), cx));
                    }
                    Outcome::Closed
                }
            };
            let (application, connection) = (&*this.application, &*this.connection);
            let hyper = match outcome {
                Outcome::Closed => {
                    state.end_task();
                    return Poll::Ready(());
                }
                Outcome::Http2(io) => hyper::http2(io, application.clone(), worker, connection.clone()),
                Outcome::Upgrade(io) => hyper::http1_upgrade(io, application.clone(), worker, connection.clone()),
            };
            this.protocol.set(Protocol::Hyper { hyper: Box::pin(hyper) });
        }
    }
}

type Greeting = Pin<Box<dyn Future<Output = std::io::Result<Greeted>> + Send>>;

/// Hears out what comes before HTTP; none: the connection is to be closed.
fn poll_greeting(
    greeting: &mut Greeting,
    worker: &Worker,
    connection: &Connection,
    cx: &mut Context<'_>,
) -> Poll<Option<Greeted>> {
    let state = connection.state();
    let wanted = state.take_wanted();
    if wanted == Wanted::Cut {
        return Poll::Ready(None);
    }
    match greeting.as_mut().poll(cx) {
        Poll::Ready(Ok(greeted)) => Poll::Ready(Some(greeted)),
        Poll::Ready(Err(error)) => {
            crate::log::debug!("The connection of {} ended before a request: {error}", connection.peer());
            Poll::Ready(None)
        }
        Poll::Pending if wanted != Wanted::Nothing => {
            // Nothing is lost with it, whatever it was woken for: there was no request yet.
            let late = worker.limits.judge(state, clock::now(), worker.is_draining());
            let is_unheard = wanted == Wanted::CloseIfIdle && !state.has_unread_bytes();
            if late.is_some() || is_unheard { Poll::Ready(None) } else { Poll::Pending }
        }
        Poll::Pending => Poll::Pending,
    }
}
