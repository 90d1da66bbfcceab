//! Heads that came before: many clients send the same one again and again, and what was made of it once is true of it for
//! good. Each thread knows a few.

use super::demands::{Demands, Upgrade};
use super::head;
use super::scan::HeadLimits;
use crate::worker::remember::{Sightings, may_stay};
use bytes::Bytes;
use http::Request;
use std::cell::RefCell;

/// A length has one place. Others may have the same: then they take turns in it.
const PLACES: usize = 16;
/// A longer head is not kept.
const LONGEST: usize = 1 << 10;
/// To keep a head costs as much as to parse it. So only one of so many that are not known is kept, but for the first few.
const SELDOM: u32 = 256;
const MOST_CREDIT: u32 = 16 * SELDOM;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known {
        heads: [const { None }; PLACES],
        seen: Sightings::default(),
        credit: MOST_CREDIT,
    });
}

struct Known {
    heads: [Option<Box<Head>>; PLACES],
    seen: Sightings,
    credit: u32,
}

struct Head {
    /// A copy of its own: what it came in is read into again.
    bytes: Bytes,
    request: Request<()>,
    demands: Demands,
}

/// Makes the request of these bytes, if they are a head that is known.
pub(super) fn recall<B>(bytes: &[u8], into: &mut Request<B>) -> Option<Demands> {
    KNOWN.with_borrow(|known| {
        let head = known.heads[bytes.len() % PLACES].as_ref().filter(|head| *head.bytes == *bytes)?;
        *into.method_mut() = head.request.method().clone();
        *into.uri_mut() = head.request.uri().clone();
        *into.version_mut() = head.request.version();
        *into.headers_mut() = head.request.headers().clone();
        Some(head.demands)
    })
}

/// Keeps this head, which was parsed, if its turn has come and it does not come for the first time.
pub(super) fn keep<B>(bytes: &[u8], limits: &HeadLimits, parsed: &Request<B>, demands: &Demands) {
    // A query is the client's own.
    let is_harmless = || {
        parsed.uri().query().is_none() && parsed.headers().iter().all(|(name, value)| may_stay(name, value.as_bytes()))
    };
    KNOWN.with_borrow_mut(|known| {
        known.credit = (known.credit + 1).min(MOST_CREDIT);
        if known.credit < SELDOM || bytes.len() > LONGEST || demands.upgrade != Upgrade::No || !is_harmless() {
            return;
        }
        known.credit -= SELDOM;
        if !known.seen.again(bytes) {
            return;
        }
        let mut head = Head { bytes: Bytes::copy_from_slice(bytes), request: Request::new(()), demands: *demands };
        if let Some(Ok(_)) = head::parse_whole(&head.bytes, limits, &mut head.request) {
            known.heads[bytes.len() % PLACES] = Some(Box::new(head));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { line: 100, fields: 10, field: 2000 };

    /// Parses it, has it come twice, and says whether it is known then, as it was parsed.
    fn is_kept(text: &str) -> bool {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let mut request = Request::new(());
        let demands = head::parse_whole(&bytes, &LIMITS, &mut request).unwrap().unwrap();
        keep(&bytes, &LIMITS, &request, &demands);
        keep(&bytes, &LIMITS, &request, &demands);
        let mut again = Request::new(());
        let Some(recalled) = recall(text.as_bytes(), &mut again) else { return false };
        assert_eq!(format!("{again:?} {recalled:?}"), format!("{request:?} {demands:?}"));
        true
    }

    #[test]
    fn a_head_that_was_kept_is_known_by_all_its_bytes() {
        assert!(is_kept("POST /a HTTP/1.1\r\nHost: a\r\nAccept: 1\r\naccept: 2\r\ncontent-length: 3\r\n\r\n"));
        assert!(is_kept("GET / HTTP/1.0\r\n\r\n"));
        let mut request = Request::new(());
        assert!(recall(b"GET / HTTP/1.1\r\n\r\n", &mut request).is_none());
        assert!(recall(b"GET / HTTP/1.0\r\n\r", &mut request).is_none());
        assert!(recall(b"", &mut request).is_none());
    }

    #[test]
    fn secrets_and_what_is_long_are_not_kept() {
        for field in ["Cookie: a=b", "authorization: Basic YQ==", "X-Api-Key: a"] {
            assert!(!is_kept(&format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")), "{field}");
        }
        assert!(!is_kept("GET /?token=a HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!is_kept(&format!("GET / HTTP/1.1\r\nHost: a\r\nAccept: {}\r\n\r\n", "b".repeat(LONGEST))));
    }

    #[test]
    fn a_head_that_came_once_is_not_kept() {
        let parsed = |number: u32| {
            let bytes = Bytes::from(format!("GET /reset/{number} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let mut request = Request::new(());
            let demands = head::parse_whole(&bytes, &LIMITS, &mut request).unwrap().unwrap();
            keep(&bytes, &LIMITS, &request, &demands);
            bytes
        };
        let all: Vec<Bytes> = (0..5000).map(parsed).collect();
        assert!(all.iter().all(|bytes| recall(bytes, &mut Request::new(())).is_none()));
    }

    #[test]
    fn of_heads_that_come_twice_few_are_kept() {
        let kept = |range: std::ops::Range<u32>| {
            range.filter(|number| is_kept(&format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n"))).count()
        };
        kept(0..5000);
        assert!(kept(5000..5000 + 4 * SELDOM) <= 8);
    }
}
