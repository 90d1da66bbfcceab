//! The response as it is sent: its head with the first block that is not empty, then each block at once.

use super::body::{Body, Giver, Gone, blocks};
use super::head::Head;
use super::reply::Reply;
use super::wait;
use crate::stretch::Stretch;
use bytes::Bytes;
use http::Method;
use pyo3::exceptions::{PyAssertionError, PyBrokenPipeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rustcorn::BoxError;
use rustcorn::worker::SendFile;
use std::future::poll_fn;

/// A response in the making.
pub(super) struct Sending {
    stage: Stage,
    is_head: bool,
    /// What its Content-Length leaves; none: it has said nothing.
    left: Option<u64>,
    /// The application gave more than it had announced, which was logged.
    too_long: bool,
}

enum Stage {
    /// Nothing is sent.
    Before { reply: Reply, head: Option<Head> },
    /// Its blocks are sent as they come.
    Streaming(Giver),
    /// All was handed over.
    Over,
}

/// How far a response has come.
pub(super) enum How {
    /// Nothing is sent.
    Silent,
    /// A part is.
    Open,
    /// All is.
    Over,
    /// Its client is gone.
    Gone,
}

impl Sending {
    pub(super) fn new(method: &Method, reply: Reply) -> Self {
        let stage = Stage::Before { reply, head: None };
        Self { stage, is_head: *method == Method::HEAD, left: None, too_long: false }
    }

    pub(super) fn how(&self) -> How {
        match &self.stage {
            Stage::Before { reply, .. } if reply.is_closed() => How::Gone,
            Stage::Before { .. } => How::Silent,
            Stage::Streaming(giver) if giver.is_unheard() => How::Gone,
            Stage::Streaming(_) => How::Open,
            Stage::Over => How::Over,
        }
    }

    /// Whether something was sent, so that nothing of the head can be changed any more.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.stage, Stage::Before { .. })
    }

    pub(super) fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Before { head: None, .. })
    }

    pub(super) fn set_head(&mut self, new: Head) {
        if let Stage::Before { head, .. } = &mut self.stage {
            // A response to HEAD may well have the length of what is not there.
            self.left = new.length.filter(|_| !self.is_head && new.has_body());
            *head = Some(new);
        }
    }

    /// Whether all that was announced was given.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Whether the rest is of no interest: the application has given too much.
    pub(super) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Whether the request was HEAD and has all that it asks for: blocks may come for ever, and nobody wants them.
    pub(super) fn is_answered_head(&self) -> bool {
        self.is_head && self.has_begun()
    }

    /// Sends a block, and returns when it is on its way.
    ///
    /// # Errors
    ///
    /// The client is gone, or the response was not started.
    pub(super) fn send(&mut self, py: Python<'_>, block: &Bound<'_, PyBytes>) -> PyResult<()> {
        let mut block = bytes(block);
        if block.is_empty() {
            return Ok(());
        }
        if let Some(left) = &mut self.left {
            let length = block.len() as u64;
            if length > *left {
                self.too_long = true;
                // It is less than a length.
                block.truncate(*left as usize);
            }
            *left -= block.len() as u64;
            if block.is_empty() {
                return Ok(());
            }
        }
        let waker = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Before { reply, head } => {
                let Some(head) = head else {
                    self.stage = Stage::Before { reply, head };
                    return Err(not_started());
                };
                if self.is_full() {
                    reply.give(Ok(head.response(Body::whole(block))))
                } else {
                    let (giver, blocks) = blocks(block);
                    self.stage = Stage::Streaming(giver);
                    reply.give(Ok(head.response(Body::Blocks(blocks))))
                }
            }
            Stage::Streaming(giver) => {
                let waker = giver.give(block);
                self.stage = Stage::Streaming(giver);
                waker
            }
            // All that was announced was sent.
            Stage::Over => None,
        };
        wait::wake(waker);
        self.sent(py)
    }

    /// Waits until what was given is on its way.
    fn sent(&self, py: Python<'_>) -> PyResult<()> {
        let Stage::Streaming(giver) = &self.stage else {
            return wait::flush(py);
        };
        match wait::wait(py, poll_fn(|cx| giver.poll_taken(cx)))? {
            Ok(()) => Ok(()),
            // The engine had enough because the client is gone, or because no body is to be sent.
            Err(Gone) if self.is_head => Ok(()),
            Err(Gone) => Err(PyBrokenPipeError::new_err("the client is gone")),
        }
    }

    /// The whole response at once, the body of which is a part of a file; false: something was sent before.
    pub(super) fn finish_with_file(&mut self, mut part: SendFile) -> PyResult<bool> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Before { reply, head: Some(head) } => {
                // Too little is for the engine to find out.
                part.length = part.length.min(self.left.unwrap_or(u64::MAX));
                let stretch = Stretch::new(part.file.clone(), part.offset, part.length);
                let mut response = head.response(Body::File(stretch));
                response.extensions_mut().insert(part);
                wait::wake(reply.give(Ok(response)));
                Ok(true)
            }
            Stage::Before { reply, head: None } => {
                self.stage = Stage::Before { reply, head: None };
                Err(not_started())
            }
            begun => {
                self.stage = begun;
                Ok(false)
            }
        }
    }

    /// The whole response at once.
    pub(super) fn finish_with(&mut self, mut body: Bytes) -> PyResult<()> {
        if let Some(left) = self.left.filter(|left| (body.len() as u64) > *left) {
            self.too_long = true;
            // It is less than a length.
            body.truncate(left as usize);
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Before { reply, head: Some(head) } => {
                wait::wake(reply.give(Ok(head.response(Body::whole(body)))));
                Ok(())
            }
            Stage::Before { reply, head: None } => {
                self.stage = Stage::Before { reply, head: None };
                Err(not_started())
            }
            Stage::Streaming(_) | Stage::Over => Ok(()),
        }
    }

    /// The response as it stands is complete.
    pub(super) fn finish(&mut self) -> PyResult<()> {
        if let Stage::Streaming(giver) = &self.stage {
            wait::wake(giver.end(Ok(())));
            self.stage = Stage::Over;
            return Ok(());
        }
        self.finish_with(Bytes::new())
    }

    /// The application has failed: the client gets a 500, or a response that visibly ends too early.
    pub(super) fn fail(&mut self, error: BoxError) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Before { reply, .. } => wait::wake(reply.give(Err(error))),
            Stage::Streaming(giver) => wait::wake(giver.end(Err(error))),
            Stage::Over => {}
        }
    }
}

fn not_started() -> PyErr {
    PyAssertionError::new_err("the application gave a body before it called start_response")
}

/// Objects up to this size are copied: cheaper than keeping them.
const SMALL: usize = 32 << 10;

pub(super) fn bytes(block: &Bound<'_, PyBytes>) -> Bytes {
    if block.as_bytes().len() <= SMALL {
        return Bytes::copy_from_slice(block.as_bytes());
    }
    Bytes::from_owner(PyBackedBytes::from(block.clone()))
}
