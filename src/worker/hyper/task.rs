//! A connection that hyper serves.

use super::service::Service;
use crate::worker::application::Application;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::state::{Moment, Wanted};
use crate::worker::wire::Io;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

type Http2<S> = http2::Connection<TokioIo<Io>, Service<S>, TokioExecutor>;

pin_project! {
    /// A connection that hyper serves.
    pub(in crate::worker) struct Hyper<S: Application> {
        #[pin]
        protocol: Protocol<S>,
        connection: Connection,
    }
}

pin_project! {
    #[project = ProtocolProjection]
    enum Protocol<S: Application> {
        Http1 { #[pin] http: http1::UpgradeableConnection<TokioIo<Io>, Service<S>> },
        Http2 { #[pin] http: Http2<S> },
    }
}

/// Serves one request that may turn the connection into something else; if it does not, the connection is closed.
pub(in crate::worker) fn http1_upgrade<S: Application>(
    io: Io,
    application: S,
    worker: &'static Worker,
    connection: Connection,
) -> Hyper<S> {
    let service = Service::new(application, worker, connection.clone());
    let http = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(io), service).with_upgrades();
    Hyper { protocol: Protocol::Http1 { http }, connection }
}

/// Serves a client that speaks HTTP/2.
pub(in crate::worker) fn http2<S: Application>(
    io: Io,
    application: S,
    worker: &'static Worker,
    connection: Connection,
) -> Hyper<S> {
    let service = Service::new(application, worker, connection.clone());
    let http = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service);
    connection.state().waits(Moment::Upgraded, crate::sys::clock::now());
    Hyper { protocol: Protocol::Http2 { http }, connection }
}

impl<S: Application> Future for Hyper<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let wanted = this.connection.state().take_wanted();
        if wanted == Wanted::Cut {
            return Poll::Ready(());
        }
        let result = match this.protocol.project() {
            ProtocolProjection::Http1 { http } => http.poll(cx),
            ProtocolProjection::Http2 { mut http } => {
                if wanted == Wanted::CloseIfIdle {
                    http.as_mut().graceful_shutdown();
                }
                http.poll(cx)
            }
        };
        result.map(|result| {
            if let Err(error) = result {
                // The client's doing as a rule (it left): nothing for an operator by day.
                crate::log::debug!("The connection of {} ended: {error}", this.connection.peer());
            }
        })
    }
}
