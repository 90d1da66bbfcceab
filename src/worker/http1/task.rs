//! One HTTP/1 connection: a request after the other, until either side has had enough.

use super::exchange::{After, Exchange, Step};
use super::receive::Received;
use super::refusal::Refusal;
use super::scan::Scan;
use super::wire::Wire;
use crate::sys::clock;
use crate::worker::application::Application;
use crate::worker::connection::Connection;
use crate::worker::context::Worker;
use crate::worker::patience::Late;
use crate::worker::progress::Progress;
use crate::worker::request::End;
use crate::worker::state::{ConnectionState, Moment, Wanted};
use crate::worker::wire::Io;
use http::{HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// So many requests that came together are answered before other connections have their turn.
const IN_A_ROW: u32 = 64;

/// How it ends.
pub(in crate::worker) enum Outcome {
    /// There is nothing left to do with it.
    Closed,
    /// The client speaks HTTP/2.
    Http2(Io),
    /// The request that comes next may turn it into something else. All was checked that can be.
    Upgrade(Io),
}

pin_project! {
    /// A connection that speaks HTTP/1.
    #[project = Parts]
    pub(in crate::worker) struct Http1<S: Application> {
        // None: it has been handed over.
        pub(super) wire: Option<Wire>,
        #[pin]
        pub(super) step: Step<S::Future, S::Body>,
        pub(super) exchange: Option<Exchange>,
        pub(super) application: S,
        pub(super) worker: &'static Worker,
        pub(super) connection: Connection,
        pub(super) scan: Scan,
        // The client has sent more than a head at a time.
        pub(super) pipelines: bool,
        // How what we send makes progress.
        pub(super) writing: Progress,
        // Requests so far.
        pub(super) served: u64,
        // What waits is sent, and then it is closed.
        pub(super) closing: bool,
    }
}

impl<S: Application> Http1<S> {
    pub(in crate::worker) fn new(io: Io, application: S, worker: &'static Worker, connection: Connection) -> Self {
        Self {
            wire: Some(Wire::new(io)),
            step: Step::Idle,
            exchange: None,
            application,
            worker,
            connection,
            scan: Scan::default(),
            pipelines: false,
            writing: Progress::default(),
            served: 0,
            closing: false,
        }
    }
}

impl<S: Application> Future for Http1<S> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut this = self.project();
        let wanted = this.state().take_wanted();
        match wanted {
            Wanted::Cut => {
                this.abandon(End::Cut);
                return Poll::Ready(Outcome::Closed);
            }
            Wanted::CloseIfIdle if this.is_idle() && !this.state().has_unread_bytes() => *this.closing = true,
            Wanted::Nothing | Wanted::Look | Wanted::CloseIfIdle => {}
        }
        let outcome = this.poll_on(cx);
        if outcome.is_pending() && wanted == Wanted::Look {
            // Only now: what has come meanwhile is in time.
            let late = this.worker.limits.judge(this.state(), clock::now(), this.worker.is_draining());
            if let Some(late) = late {
                return if this.give_up(late) { this.poll_on(cx) } else { Poll::Ready(Outcome::Closed) };
            }
        }
        outcome
    }
}

impl<S: Application> Parts<'_, S> {
    pub(super) fn state(&self) -> &ConnectionState {
        self.connection.state()
    }

    fn is_idle(&self) -> bool {
        self.exchange.is_none() && self.wire.as_ref().is_some_and(|wire| wire.input.is_empty())
    }

    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut answered = 0;
        loop {
            if answered == IN_A_ROW {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.exchange.is_some() {
                match ready!(self.poll_exchange(cx)) {
                    After::Next => answered += 1,
                    After::Close => *self.closing = true,
                    After::Abort => return Poll::Ready(Outcome::Closed),
                }
                continue;
            }
            if *self.closing {
                return self.poll_close(cx);
            }
            match ready!(self.poll_receive(answered > 0, cx)) {
                Received::Head => {}
                Received::Refused(refusal, came) => self.refuse_unheard(refusal, &came),
                Received::FlushFirst => {}
                Received::End => return Poll::Ready(Outcome::Closed),
                Received::Http2 => return Poll::Ready(self.hand_over().map_or(Outcome::Closed, Outcome::Http2)),
                Received::Upgrade => return Poll::Ready(self.hand_over().map_or(Outcome::Closed, Outcome::Upgrade)),
            }
        }
    }

    /// Sends what waits: answers to requests that came together go out together.
    pub(super) fn poll_answers(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(wire) = self.wire.as_mut() else { return Poll::Ready(Ok(())) };
        let result = wire.poll_flush(cx);
        if result.is_pending() {
            self.waits_for_reader();
        } else if self.writing.since().is_some() {
            self.writing.rests();
            self.state().waits(Moment::Idle, clock::now());
        }
        result
    }

    /// The socket, with what was read and not used.
    fn hand_over(&mut self) -> Option<Io> {
        let mut wire = self.wire.take()?;
        wire.io.put_back([wire.input.split().freeze()]);
        Some(wire.io)
    }

    /// Answers with a refusal, and closes; `id` is the request's, if it got so far. What was on its way to the client
    /// before is sent first. Returns the length of the answer's body.
    pub(super) fn refuse(&mut self, refusal: Refusal, is_head: bool, id: Option<(&HeaderName, &HeaderValue)>) -> u64 {
        *self.closing = true;
        self.state().set_linger(true);
        crate::log::debug!(
            "A request from {} is refused with {}: {}",
            self.connection.peer(),
            refusal.status,
            refusal.reason
        );
        let requests = &self.worker.orders.requests;
        let date = requests.date_header.then(|| super::date::date(clock::now()));
        let Some(wire) = self.wire.as_mut() else { return 0 };
        refusal.write(wire, requests.server_header, date.as_ref(), id, &self.worker.headers, is_head)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        if ready!(self.poll_answers(cx)).is_err() {
            return Poll::Ready(Outcome::Closed);
        }
        let Some(wire) = self.wire.as_mut() else { return Poll::Ready(Outcome::Closed) };
        // Whatever it comes to: the socket is closed next.
        drop(ready!(Pin::new(&mut wire.io).poll_shutdown(cx)));
        Poll::Ready(Outcome::Closed)
    }

    /// Ends what takes too long; false: there is nobody to tell.
    fn give_up(&mut self, late: Late) -> bool {
        let refusal = match late {
            // The event loop has not heard of it yet.
            Late::Idle if self.is_idle() && self.state().has_unread_bytes() => return true,
            Late::Idle | Late::Greeting => {
                *self.closing = true;
                return true;
            }
            Late::Head => {
                let came = self.wire.as_mut().map(|wire| wire.input.split().freeze()).unwrap_or_default();
                self.refuse_unheard(Refusal::HEAD_TOO_SLOW, &came);
                // Whoever has sent nothing for so long is not in the middle of sending.
                self.state().set_linger(false);
                return true;
            }
            Late::Reader => {
                if let Some(wire) = &mut self.wire {
                    // Or else the kernel would keep what was sent for long.
                    wire.io.reset_on_close();
                }
                self.abandon(End::TimedOut);
                return false;
            }
            Late::Body => Refusal::BODY_TOO_SLOW,
            Late::Answer => Refusal::NO_ANSWER_IN_TIME,
        };
        self.give_up_exchange(refusal)
    }
}
