//! The Date field: rendered once a second and thread.

use crate::types::Mono;
use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

thread_local! {
    static DATE: Cell<([u8; 29], Mono)> = const { Cell::new(([0; 29], Mono(0))) };
}

/// The value of the Date field (RFC 9110, 5.6.7) at `now`.
pub(super) fn date(now: Mono) -> [u8; 29] {
    let (text, until) = DATE.get();
    if now < until {
        return text;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = render(since.as_secs());
    DATE.set((text, now.after(Duration::from_nanos(u64::from(1_000_000_000 - since.subsec_nanos())))));
    text
}

fn render(seconds: u64) -> [u8; 29] {
    let then = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let text = then.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    text.as_bytes().try_into().unwrap_or(*b"Thu, 01 Jan 1970 00:00:00 GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(&render(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&render(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn a_second_has_one_date() {
        let now = crate::sys::clock::now();
        assert_eq!(date(now).len(), 29);
        DATE.set(([b'x'; 29], now.after(Duration::from_secs(1))));
        assert_eq!(date(now), [b'x'; 29]);
        assert_ne!(date(now.after(Duration::from_secs(1))), [b'x'; 29]);
    }
}
