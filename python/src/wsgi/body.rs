//! The body of a response on its way from Python to the engine.

use crate::stretch::Stretch;
use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use rustcorn::BoxError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What the engine gets for a request.
pub type Answer = Result<Response<Body>, BoxError>;

/// The body of a response.
pub enum Body {
    /// All of it; none: there is nothing, or nothing more.
    Whole(Option<Bytes>),
    /// A block after the other, as the application gives them.
    Blocks(Blocks),
    /// A file, read in pieces where the kernel does not send it.
    File(Stretch),
}

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Blocks(blocks) => blocks.poll_next(cx).map(|next| next.map(|next| next.map(Frame::data))),
            Self::File(file) if file.len() == 0 => Poll::Ready(None),
            Self::File(file) => file.poll_read(cx).map(|read| Some(read.map(Frame::data).map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Blocks(_) => SizeHint::default(),
            Self::File(file) => SizeHint::with_exact(file.len()),
        }
    }
}

/// The engine's end of a body that comes in blocks.
pub struct Blocks(Arc<Mutex<State>>);

/// Python's end.
pub(super) struct Giver(Arc<Mutex<State>>);

/// The client does not want the rest, or nobody is there to want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

#[derive(Default)]
struct State {
    block: Option<Bytes>,
    end: Option<Result<(), BoxError>>,
    /// The engine has taken all that there was, and asked for more.
    asked: bool,
    gone: bool,
    reader: Option<Waker>,
    giver: Option<Waker>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body of which the first block is here.
pub(super) fn blocks(first: Bytes) -> (Giver, Blocks) {
    let state = Arc::new(Mutex::new(State { block: Some(first), ..State::default() }));
    (Giver(state.clone()), Blocks(state))
}

impl Giver {
    /// Hands a block over; the one before was taken ([`Self::poll_taken`]). Returns who is to be woken.
    pub(super) fn give(&self, block: Bytes) -> Option<Waker> {
        let mut state = lock(&self.0);
        state.block = Some(block);
        state.asked = false;
        state.reader.take()
    }

    /// There is no more. Returns who is to be woken.
    pub(super) fn end(&self, how: Result<(), BoxError>) -> Option<Waker> {
        let mut state = lock(&self.0);
        state.end.get_or_insert(how);
        state.reader.take()
    }

    /// Whether the client is gone, or wants no more.
    pub(super) fn is_unheard(&self) -> bool {
        lock(&self.0).gone
    }

    /// Waits until all that was given is on its way: the engine asks for more only when what it has is sent, or fits
    /// into a small buffer that it sends next.
    pub(super) fn poll_taken(&self, cx: &Context<'_>) -> Poll<Result<(), Gone>> {
        let mut state = lock(&self.0);
        if state.gone {
            return Poll::Ready(Err(Gone));
        }
        if state.asked {
            return Poll::Ready(Ok(()));
        }
        state.giver = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Blocks {
    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let mut state = lock(&self.0);
        if let Some(block) = state.block.take() {
            return Poll::Ready(Some(Ok(block)));
        }
        if state.end.is_some() {
            let failure = state.end.replace(Ok(())).and_then(Result::err);
            return Poll::Ready(failure.map(Err));
        }
        state.reader = Some(cx.waker().clone());
        state.asked = true;
        let giver = state.giver.take();
        drop(state);
        if let Some(giver) = giver {
            giver.wake();
        }
        Poll::Pending
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.gone = true;
        state.block = None;
        let giver = state.giver.take();
        drop(state);
        if let Some(giver) = giver {
            giver.wake();
        }
    }
}
