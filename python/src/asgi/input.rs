//! The body of a request on its way into Python. It is read only when the application asks for it.

use super::waiters::Waiters;
use bytes::Bytes;
use http_body::Body as _;
use rustcorn::Body;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub(super) struct Input {
    /// None: there is no more of it, or somebody reads it elsewhere.
    body: Option<Body>,
    /// Read, and not given to the application.
    chunk: Option<Bytes>,
    /// The application waits for bytes.
    wanted: bool,
    /// No more bytes will come.
    over: bool,
    /// They will not come because the client broke off.
    broken: bool,
    /// They will not come because the client was refused, for this reason.
    pub(super) refused: Option<&'static str>,
    /// The application knows the end.
    told: bool,
    /// The application's, for what is next.
    pub(super) waiters: Waiters,
    /// Of the task that reads the body while the response is on its way.
    pub(super) reader: Option<Waker>,
}

/// What an application is to be told next.
pub(super) enum Next {
    /// Bytes, and whether there are more.
    Bytes(Bytes, bool),
    Disconnect,
    /// Nothing yet.
    Wait,
}

impl Input {
    pub(super) fn new(mut body: Body) -> Self {
        let chunk = body.take_whole();
        let over = chunk.is_some() || body.is_end_stream();
        Self {
            body: Some(body).filter(|_| !over),
            chunk,
            wanted: false,
            over,
            broken: false,
            refused: None,
            told: false,
            waiters: Waiters::default(),
            reader: None,
        }
    }

    /// `ended`: the response is complete, or the client is gone.
    pub(super) fn next(&mut self, ended: bool) -> Next {
        if !self.told {
            if let Some(chunk) = self.chunk.take() {
                self.told = self.over && !self.broken;
                return Next::Bytes(chunk, !self.told);
            }
            if self.over && !self.broken {
                self.told = true;
                return Next::Bytes(Bytes::new(), false);
            }
        }
        if ended || self.broken {
            return Next::Disconnect;
        }
        self.wanted = !self.over;
        Next::Wait
    }

    /// Whether [`Self::next`] has something to say.
    pub(super) fn is_ready(&self, ended: bool) -> bool {
        ended || self.broken || !self.told && (self.chunk.is_some() || self.over)
    }

    /// Nobody will ask for more. Whoever still reads has to be woken, to see that.
    #[must_use]
    pub(super) fn close(&mut self) -> Option<Waker> {
        self.refused = self.refused.or_else(|| self.body.take()?.refusal());
        self.body = None;
        if !self.over {
            self.over = true;
            self.broken = true;
        }
        self.reader.take()
    }

    /// Inside of the runtime: reads on if that is wanted. True: there is something to tell.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        while self.wanted && self.chunk.is_none() {
            let Some(body) = self.body.as_mut() else { return false };
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.over = body.is_end_stream();
                    if !data.is_empty() {
                        self.chunk = Some(data);
                    }
                }
                Poll::Ready(None) => self.over = true,
                Poll::Ready(Some(Err(_))) => {
                    self.refused = body.refusal();
                    self.over = true;
                    self.broken = true;
                }
            }
            if self.over {
                self.body = None;
                break;
            }
        }
        std::mem::take(&mut self.wanted)
    }

    /// Whether there is a body that somebody has to go on reading.
    pub(super) fn is_open(&self) -> bool {
        self.body.is_some()
    }

    pub(super) fn wants(&self) -> bool {
        self.wanted
    }
}
