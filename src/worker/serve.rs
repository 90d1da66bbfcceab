//! The task of one connection: hyper, and the worker's wishes concerning it.

use super::application::Application;
use super::connection::{Address, Connection, ConnectionState, Moment, Wanted};
use super::context::Worker;
use super::io::{Io, Stream};
use super::outgoing::Outgoing;
use super::request::settle;
use super::service::Service;
use crate::sys::write::log_write;
use crate::sys::{clock, fd, poll};
use crate::types::Mono;
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
    let http = http.serve_connection(io, service).with_upgrades();
    tokio::spawn(Serve { http, worker, connection, begun: false });
}

/// For a client that never sent a whole request. hyper has no words for that.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

pin_project! {
    struct Serve<S: Application> {
        #[pin]
        http: http1::UpgradeableConnection<TokioIo<Io>, Service<S>>,
        worker: &'static Worker,
        connection: Connection,
        begun: bool,
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
        if !std::mem::replace(this.begun, true) {
            state.begin_task(cx.waker());
        }
        let wanted = state.take_wanted();
        match wanted {
            Wanted::Nothing | Wanted::CloseIfReceiving => {}
            Wanted::Cut => {
                state.end_task();
                return Poll::Ready(());
            }
            Wanted::CloseIfIdle => {
                // What the kernel knows, not what tokio has heard: a request that is already here is answered.
                if state.moment() != Moment::Busy && !has_unread_bytes(state) {
                    this.http.as_mut().graceful_shutdown();
                }
            }
        }
        let result = match this.http.poll(cx) {
            Poll::Ready(result) => result,
            Poll::Pending if wanted == Wanted::CloseIfReceiving && state.moment() == Moment::Receiving => {
                if state.begun() == Mono(0) {
                    complain(state);
                }
                Ok(())
            }
            Poll::Pending => return Poll::Pending,
        };
        settle(this.worker, this.connection, result.is_ok());
        if let Err(error) = result {
            // The client's doing as a rule (it left, or does not speak HTTP): nothing for an operator by day.
            crate::log::debug!("The connection of {} ended: {error}", this.connection.peer());
        }
        state.end_task();
        Poll::Ready(())
    }
}

fn complain(state: &ConnectionState) {
    // Fits into the empty buffer of the socket, or the client is of no interest.
    if let Some(socket) = fd::borrow(state.fd) {
        drop(log_write(socket, TOO_SLOW));
    }
}

fn has_unread_bytes(state: &ConnectionState) -> bool {
    let Some(socket) = fd::borrow(state.fd) else { return false };
    poll::wait(&[socket], Some(Duration::ZERO)).is_ok_and(|readable| readable == [true])
}
