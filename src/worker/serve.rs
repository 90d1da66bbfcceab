//! The task of one connection, through all the protocols that it may speak.

use super::application::Application;
use super::connection::{Address, Connection};
use super::context::Worker;
use super::http1::{Http1, Outcome};
use super::hyper::{self, Hyper};
use super::state::ConnectionState;
use super::wire::{Io, Stream};
use crate::sys::clock;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Takes an accepted connection on. It counts as ours before this returns.
pub(super) fn spawn<S: Application>(
    worker: &'static Worker,
    application: S,
    stream: Stream,
    peer: Address,
    local: Address,
) {
    worker.writer.connection_opened();
    let state = ConnectionState::new(stream.fd(), clock::now());
    let connection = Connection::new(peer, local, worker.slot, worker.generation, state);
    let io = Io::new(stream, worker, connection.clone());
    let http1 = Http1::new(io, application.clone(), worker, connection.clone());
    tokio::spawn(Serve { protocol: Protocol::Http1 { http1 }, application, worker, connection, begun: false });
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
        Http1 { #[pin] http1: Http1<S> },
        // Rarely, and much larger: an idle HTTP/1 connection does not pay for it.
        Hyper { hyper: Pin<Box<Hyper<S>>> },
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
            let outcome = match this.protocol.as_mut().project() {
                ProtocolProjection::Http1 { http1 } => http1.poll(cx),
                ProtocolProjection::Hyper { hyper } => hyper.as_mut().poll(cx).map(|()| Outcome::Closed),
            };
            let (application, worker, connection) = (&*this.application, *this.worker, &*this.connection);
            let hyper = match outcome {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Outcome::Closed) => {
                    connection.state().end_task();
                    return Poll::Ready(());
                }
                Poll::Ready(Outcome::Http2(io)) => hyper::http2(io, application.clone(), worker, connection.clone()),
                Poll::Ready(Outcome::Upgrade(io)) => {
                    hyper::http1_upgrade(io, application.clone(), worker, connection.clone())
                }
            };
            this.protocol.set(Protocol::Hyper { hyper: Box::pin(hyper) });
        }
    }
}
