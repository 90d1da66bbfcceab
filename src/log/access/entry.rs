//! What is known of a request when it ends.

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use std::net::IpAddr;
use std::time::Duration;

/// One request, at its end. Whoever has it borrows everything.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The client's address, after what trusted proxies say of it; none: a Unix socket, or not known.
    pub client: Option<IpAddr>,
    /// The method; empty: not known.
    pub method: &'a str,
    /// Path and query as the client sent them; empty: not known.
    pub target: &'a [u8],
    /// The protocol of the request; none: not known.
    pub version: Option<Version>,
    /// The status that was sent, or that says best what happened: 499 (the client went away before there was one), 408,
    /// 504, 502 (the worker died). Never 0.
    pub status: u16,
    /// Bytes of the response's body that were sent; none: not known.
    pub sent: Option<u64>,
    /// From the complete head of the request to the end of the response; of one that was refused before, for as long as
    /// its head was awaited.
    pub took: Duration,
    /// How it ended.
    pub end: End,
    /// What [`Access::capture_request`](super::Access::capture_request) has kept.
    pub request: &'a Captured,
    /// What [`Access::capture_response`](super::Access::capture_response) has kept.
    pub response: &'a Captured,
    /// The request's id, if it has one.
    pub request_id: Option<&'a str>,
    /// The worker's process.
    pub pid: u32,
}

/// How a request ended. Text lines show it by the status only, JSON lines under `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The whole response was handed to the kernel.
    Answered,
    /// The client went away before.
    ClientGone,
    /// A time limit ended it.
    TimedOut,
    /// The server ended it: at the end of a drain, or because the application failed after the head was sent.
    Cut,
    /// The worker died, or was killed. Such a line is the arbiter's.
    WorkerKilled,
}

impl End {
    /// The value of `end` in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::ClientGone => "client_gone",
            Self::TimedOut => "timed_out",
            Self::Cut => "cut",
            Self::WorkerKilled => "worker_killed",
        }
    }
}

/// So many values fit in without memory from the heap: what the default format needs.
const INLINE: usize = 3;

/// The values of the headers that the format names: taken from a head before the application gets or drops it. Three fit
/// without memory from the heap, which is what the default format needs; none are nothing at all.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    first: [Option<HeaderValue>; INLINE],
    rest: Vec<Option<HeaderValue>>,
}

impl Captured {
    /// Nothing, for a request whose head never came.
    #[must_use]
    pub const fn none() -> Self {
        Self { first: [None, None, None], rest: Vec::new() }
    }

    /// Of a header that was sent twice the last value counts, as in Gunicorn. `names` are in the format's order.
    pub(super) fn of(names: &[HeaderName], headers: &HeaderMap) -> Self {
        let mut captured = Self::none();
        captured.rest = vec![None; names.len().saturating_sub(INLINE)];
        // Comparing names takes less than hashing them does, as few as they are.
        for (name, value) in headers {
            if let Some(index) = names.iter().position(|wanted| wanted == name) {
                *captured.place(index) = Some(value.clone());
            }
        }
        captured
    }

    fn place(&mut self, index: usize) -> &mut Option<HeaderValue> {
        if index < INLINE { &mut self.first[index] } else { &mut self.rest[index - INLINE] }
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let value = if index < INLINE { &self.first[index] } else { self.rest.get(index - INLINE)? };
        value.as_ref().map(HeaderValue::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_kept_in_the_order_of_their_names_and_the_last_counts() {
        let names: Vec<HeaderName> = ["a", "b", "c", "d", "e"].map(HeaderName::from_static).into();
        let mut headers = HeaderMap::new();
        for (name, value) in [("a", "1"), ("a", "2"), ("c", "3"), ("e", "4")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let kept = Captured::of(&names, &headers);
        let seen: Vec<_> = (0..6).map(|n| kept.get(n).map(|value| std::str::from_utf8(value).unwrap())).collect();
        assert_eq!(seen, [Some("2"), None, Some("3"), None, Some("4"), None]);
        assert_eq!(Captured::of(&[], &headers).get(0), None);
        assert_eq!(Captured::none().get(3), None);
    }
}
