//! The task of one connection: hyper, and the worker's wishes concerning it.

use super::application::Application;
use super::connection::{Address, Connection, ConnectionState, Moment, Wanted};
use super::context::Worker;
use super::io::{Io, Stream};
use super::outgoing::Outgoing;
use super::service::Service;
use crate::sys::{clock, fd, poll};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Takes an accepted connection on. It counts as ours before this returns.
pub(super) fn spawn<S: Application>(
    worker: &'static Worker,
    http: &http1::Builder,
    application: S,
    stream: Stream,
    peer: Address,
    local: Address,
) {
    worker.writer.connection_opened();
    let state = ConnectionState::new(stream.fd(), clock::now());
    let connection = Connection::new(peer, local, worker.slot, worker.generation, state);
    let io = TokioIo::new(Io::new(stream, worker, connection.clone()));
    let service = Service::new(application, worker, connection.clone());
    tokio::spawn(Serve { http: http.serve_connection(io, service).with_upgrades(), connection });
}

pin_project! {
    struct Serve<S: Application> {
        #[pin]
        http: http1::UpgradeableConnection<TokioIo<Io>, Service<S>>,
        connection: Connection,
    }
}

impl<S: Application> Future for Serve<S>
where
    Service<S>: hyper::service::HttpService<Incoming, ResBody = Outgoing<S::Body>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let state = this.connection.state();
        state.remember_waker(cx.waker());
        match state.take_wanted() {
            Wanted::Nothing => {}
            Wanted::Cut => return Poll::Ready(()),
            Wanted::CloseIfIdle => {
                // What the kernel knows, not what tokio has heard: a request that is already here is answered.
                if state.moment() != Moment::Busy && !has_unread_bytes(state) {
                    this.http.as_mut().graceful_shutdown();
                }
            }
        }
        match this.http.poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(error)) => {
                // The client's doing as a rule (it left, or does not speak HTTP): nothing for an operator by day.
                crate::log::debug!("The connection of {} ended: {error}", this.connection.peer());
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

fn has_unread_bytes(state: &ConnectionState) -> bool {
    let Some(socket) = fd::borrow(state.fd) else { return false };
    poll::wait(&[socket], Some(Duration::ZERO)).is_ok_and(|readable| readable == [true])
}
