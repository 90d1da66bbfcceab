//! Each request of a HTTP/2 connection is a task of its own, which can be told to end without the others.

use super::stream::Stream;
use crate::worker::state::Wanted;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    /// The request that the next task on this thread belongs to. hyper makes the task of a request right after its call
    /// to the service, and the task of a tunnel while that of its request runs.
    static NEXT: Cell<Option<Arc<Stream>>> = const { Cell::new(None) };
}

/// The next task is this one's.
pub(super) fn announce(stream: &Arc<Stream>) {
    NEXT.set(Some(stream.clone()));
}

/// Starts the tasks of a connection.
#[derive(Clone)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        drop(tokio::spawn(Task { future, stream: NEXT.take() }));
    }
}

pin_project! {
    struct Task<F> {
        #[pin]
        future: F,
        stream: Option<Arc<Stream>>,
    }
}

impl<F: Future<Output = ()>> Future for Task<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(stream) = this.stream else { return this.future.poll(cx) };
        // Dropping the future resets the stream.
        if stream.state.take_wanted() == Wanted::Cut {
            return Poll::Ready(());
        }
        announce(stream);
        let poll = this.future.poll(cx);
        NEXT.set(None);
        poll
    }
}
