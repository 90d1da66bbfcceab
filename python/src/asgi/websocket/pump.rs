//! The task of an open WebSocket: reads while the application keeps up, writes what it says, answers pings, asks for
//! signs of life, and closes in order.

use super::deflate::Agreed;
use super::frames::{self, Heard, Parser};
use super::session::{Inbound, Outbound, Session};
use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tungstenite::protocol::frame::coding::{Control, OpCode};

/// With so many bytes to be sent, no more are taken from the application.
const MANY: usize = 64 << 10;
/// What is read at a time.
const ROOM: usize = 16 << 10;
/// How long a client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(10);

/// Service restart: the client may come back at once.
const RESTART: u16 = 1012;

/// Waits for the connection, and works on it until it ends.
pub(super) async fn run(session: Arc<Session>, upgrade: OnUpgrade, agreed: Option<Agreed>, is_stream: bool) {
    match upgrade.await {
        Ok(upgraded) => {
            let mut pump = Pump::new(session, TokioIo::new(upgraded), agreed);
            if is_stream {
                // A connection of its own is closed by the worker, which knows nothing of what is in a stream.
                pump.leaving = Some(Box::pin(rustcorn::worker::leaving()));
            }
            pump.await;
        }
        Err(_) => session.ends(1006, ""),
    }
}

struct Pump<I> {
    session: Arc<Session>,
    io: I,
    agreed: Option<Agreed>,
    parser: Parser,
    input: BytesMut,
    output: Vec<u8>,
    sent: usize,
    closing: Closing,
    alarm: Pin<Box<Sleep>>,
    /// A ping is on its way, and nothing was heard since.
    asked: bool,
    heard: bool,
    /// The application does not keep up, so that the client is not listened to.
    crowded: bool,
    /// The end of the worker, if that is for us to tell.
    leaving: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[derive(PartialEq, Eq)]
enum Closing {
    No,
    /// A close frame of ours is on its way; the client's is awaited. With what the application is told then.
    Asked(u16, String),
    /// Nothing more is said or heard: what waits is sent, and that is it.
    Last,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Pump<I> {
    fn new(session: Arc<Session>, io: I, agreed: Option<Agreed>) -> Self {
        let options = &session.setup.options;
        let parser = Parser::new(agreed, options.ws_max_size);
        let interval = options.ws_ping_interval;
        let alarm = Box::pin(tokio::time::sleep(if interval.is_zero() { FAREWELL } else { interval }));
        Self {
            session,
            io,
            agreed,
            parser,
            input: BytesMut::new(),
            output: Vec::new(),
            sent: 0,
            closing: Closing::No,
            alarm,
            asked: false,
            heard: false,
            crowded: false,
            leaving: None,
        }
    }

    /// Closes once the worker leaves. What the application says after that is not sent.
    fn poll_leaving(&mut self, cx: &mut Context<'_>) {
        if self.leaving.as_mut().is_some_and(|leaving| leaving.as_mut().poll(cx).is_ready()) {
            self.leaving = None;
            if self.closing == Closing::No {
                self.close(RESTART, String::new());
            }
        }
    }

    /// Says goodbye, and gives the client its time to answer.
    fn close(&mut self, code: u16, reason: String) {
        frames::write_close(&mut self.output, Some(code), &reason);
        self.closing = Closing::Asked(code, reason);
        self.alarm.as_mut().reset(Instant::now() + FAREWELL);
    }

    /// Takes what the application says.
    fn take(&mut self) {
        let session = self.session.clone();
        let mut state = session.lock();
        let mut taken = false;
        while self.closing == Closing::No && self.output.len() - self.sent < MANY {
            match state.outbox.pop_front() {
                Some(Outbound::Message(kind, payload)) => {
                    state.out_bytes -= payload.len();
                    taken = true;
                    frames::write_message(&mut self.output, kind, self.agreed, &payload);
                }
                Some(Outbound::Close(code, reason)) => self.close(code, reason),
                None => break,
            }
        }
        if taken && !state.senders.is_empty() && Session::has_room(&state) {
            session.call_python(&mut state);
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while self.sent < self.output.len() {
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.output[self.sent..]))?;
            if count == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        self.sent = 0;
        if self.output.capacity() > 2 * MANY {
            self.output = Vec::new();
        }
        self.output.clear();
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Hears what the client says, as far as the application keeps up. Ready: it has closed, or is gone.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.crowded = self.is_crowded(cx);
            if self.closing == Closing::Last || self.crowded {
                return Poll::Pending;
            }
            match self.parser.next(&mut self.input) {
                Ok(Some(heard)) => {
                    self.hear(heard);
                    continue;
                }
                Ok(None) => {}
                Err(wrong) => {
                    if self.closing == Closing::No {
                        frames::write_close(&mut self.output, Some(wrong.0), wrong.1);
                    }
                    self.session.ends(wrong.0, wrong.1);
                    self.closing = Closing::Last;
                    return Poll::Pending;
                }
            }
            self.input.reserve(ROOM);
            match ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx)) {
                Ok(count) if count > 0 => self.heard = true,
                _ => {
                    self.lose();
                    return Poll::Ready(());
                }
            }
        }
    }

    /// The application has more than enough to read.
    fn is_crowded(&self, cx: &Context<'_>) -> bool {
        let mut state = self.session.lock();
        let crowded = self.closing == Closing::No && self.session.is_crowded(&state);
        if crowded {
            state.worker = Some(cx.waker().clone());
        }
        crowded
    }

    fn hear(&mut self, heard: Heard) {
        let inbound = match heard {
            Heard::Ping(payload) => {
                if self.closing == Closing::No && self.output.len() < 2 * MANY {
                    frames::write(&mut self.output, OpCode::Control(Control::Pong), false, &payload);
                }
                return;
            }
            Heard::Pong(_) => return,
            Heard::Close(code, reason) => {
                if self.closing == Closing::No {
                    frames::write_close(&mut self.output, code, "");
                }
                match std::mem::replace(&mut self.closing, Closing::Last) {
                    // The application's own word.
                    Closing::Asked(code, reason) => self.session.ends(code, &reason),
                    _ => self.session.ends(code.unwrap_or(1005), &reason),
                }
                return;
            }
            Heard::Text(text) => Inbound::Text(text),
            Heard::Binary(bytes) => Inbound::Binary(bytes),
        };
        let mut state = self.session.lock();
        if self.closing == Closing::No {
            state.in_bytes += inbound.len();
            state.inbox.push_back(inbound);
            self.session.call_python(&mut state);
        }
    }

    fn lose(&mut self) {
        match std::mem::replace(&mut self.closing, Closing::Last) {
            Closing::Asked(code, reason) => self.session.ends(code, &reason),
            _ => self.session.ends(1006, ""),
        }
    }

    /// Ready: the client is given up.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let options = &self.session.setup.options;
        let (interval, patience) = (options.ws_ping_interval, options.ws_ping_timeout);
        while self.closing != Closing::No || !interval.is_zero() {
            ready!(self.alarm.as_mut().poll(cx));
            // Its pong may be among what is not read.
            let heard = std::mem::take(&mut self.heard) || self.crowded;
            if self.closing != Closing::No {
                return Poll::Ready(());
            }
            if self.asked && !heard {
                frames::write_close(&mut self.output, Some(1011), "keepalive ping timeout");
                self.session.ends(1006, "keepalive ping timeout");
                self.closing = Closing::Last;
                return Poll::Ready(());
            }
            // A client that says something is there.
            self.asked = !heard;
            let next = if self.asked {
                frames::write(&mut self.output, OpCode::Control(Control::Ping), false, b"");
                if patience.is_zero() { interval } else { patience }
            } else {
                interval
            };
            if self.asked && patience.is_zero() {
                self.asked = false;
            }
            self.alarm.as_mut().reset(Instant::now() + next);
        }
        Poll::Pending
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Future for Pump<I> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.session.lock().worker = Some(cx.waker().clone());
        this.poll_leaving(cx);
        let mut is_lost = this.poll_hear(cx).is_ready();
        if this.poll_alarm(cx).is_ready() {
            // A last try to tell it.
            let _ = this.poll_flush(cx);
            this.lose();
            is_lost = true;
        }
        loop {
            this.take();
            match this.poll_flush(cx) {
                Poll::Ready(Ok(())) if this.closing == Closing::Last => {
                    let _ = ready!(Pin::new(&mut this.io).poll_shutdown(cx));
                    return Poll::Ready(());
                }
                // There may be more by now.
                Poll::Ready(Ok(()))
                    if !is_lost && !this.session.lock().outbox.is_empty() && this.closing == Closing::No => {}
                Poll::Ready(Ok(())) | Poll::Pending if !is_lost => {
                    // It may have been set only now.
                    if this.closing != Closing::No && this.alarm.as_mut().poll(cx).is_ready() {
                        cx.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
                _ => {
                    this.lose();
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl<I> Drop for Pump<I> {
    fn drop(&mut self) {
        self.session.ends(1006, "");
    }
}
