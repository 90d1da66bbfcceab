//! Finding the end of a request's head while it arrives, and refusing what is too long or no line of HTTP before it is
//! complete: each byte is looked at once, however slowly they come.

use super::refusal::Refusal;

/// The most bytes of one head, whatever the other limits allow: what a client can make us keep.
pub(super) const MOST_BYTES: usize = 64 << 10;

/// What a head may be (`limit_request_line`, `limit_request_fields`, `limit_request_field_size`).
#[derive(Clone, Copy, Debug)]
pub(in crate::worker) struct HeadLimits {
    /// Bytes of the request line.
    pub(in crate::worker) line: usize,
    /// Number of header fields.
    pub(in crate::worker) fields: usize,
    /// Bytes of one field's line.
    pub(in crate::worker) field: usize,
}

impl HeadLimits {
    /// The limits of a setting, where zero means none but [`MOST_BYTES`].
    pub(in crate::worker) fn new(line: usize, fields: usize, field: usize) -> Self {
        let or_most = |limit: usize| if limit == 0 { MOST_BYTES } else { limit };
        Self { line: or_most(line), fields: or_most(fields), field: or_most(field) }
    }
}

/// How far a head was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// Bytes that hold no further end of a line.
    seen: usize,
    /// Where the line begins that is not complete.
    line: usize,
    /// Complete lines.
    lines: usize,
}

/// A complete head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its length, with the empty line.
    pub(super) length: usize,
    /// How many fields follow the request line.
    pub(super) fields: usize,
}

impl Scan {
    /// Whether anything was looked at.
    pub(super) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// Looks at what is new in `bytes`, which begin with the head's first byte at every call.
    pub(super) fn find(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<Found>, Refusal> {
        while let Some(offset) = memchr::memchr(b'\n', &bytes[self.seen..]) {
            let end = self.seen + offset;
            if end == self.line || bytes[end - 1] != b'\r' {
                return Err(Refusal::BARE_LF);
            }
            let length = end - 1 - self.line;
            self.seen = end + 1;
            if length == 0 {
                return Ok(Some(Found { length: end + 1, fields: self.lines.saturating_sub(1) }));
            }
            self.measure(length, limits)?;
            self.line = end + 1;
            self.lines += 1;
            if self.lines > limits.fields + 1 {
                return Err(Refusal::TOO_MANY_FIELDS);
            }
        }
        self.seen = bytes.len();
        // The CR that may be the last byte is no part of the line.
        self.measure((bytes.len() - self.line).saturating_sub(1), limits)?;
        if bytes.len() > MOST_BYTES { Err(self.too_long()) } else { Ok(None) }
    }

    fn measure(&self, length: usize, limits: &HeadLimits) -> Result<(), Refusal> {
        let most = if self.lines == 0 { limits.line } else { limits.field };
        if length > most { Err(self.too_long()) } else { Ok(()) }
    }

    fn too_long(&self) -> Refusal {
        if self.lines == 0 { Refusal::LINE_TOO_LONG } else { Refusal::FIELD_TOO_LONG }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: HeadLimits = HeadLimits { line: 20, fields: 3, field: 12 };

    fn whole(text: &str) -> Result<Option<Found>, Refusal> {
        Scan::default().find(text.as_bytes(), &LIMITS)
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert_eq!(whole("GET / HTTP/1.1\r\n\r\nrest"), Ok(Some(Found { length: 18, fields: 0 })));
        assert_eq!(whole("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n"), Ok(Some(Found { length: 30, fields: 2 })));
        assert_eq!(whole("GET / HTTP/1.1\r\na: 1\r\n"), Ok(None));
        assert_eq!(whole(""), Ok(None));
    }

    #[test]
    fn a_line_feed_alone_ends_nothing() {
        for text in ["GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\na: 1\n\r\n", "GET / HTTP/1.1\r\n\n", "\n"] {
            assert_eq!(whole(text), Err(Refusal::BARE_LF), "{text:?}");
        }
    }

    #[test]
    fn limits_hold_before_the_line_is_complete() {
        assert_eq!(whole("GET /123456 HTTP/1.1\r\n"), Ok(None));
        assert_eq!(whole("GET /1234567 HTTP/1.1\r\n"), Err(Refusal::LINE_TOO_LONG));
        assert_eq!(whole("GET /12345678901234567"), Err(Refusal::LINE_TOO_LONG));
        assert_eq!(whole("GET / HTTP/1.1\r\nabc: 45678901"), Ok(None));
        assert_eq!(whole("GET / HTTP/1.1\r\nabc: 4567890123"), Err(Refusal::FIELD_TOO_LONG));
        assert_eq!(whole("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\n"), Err(Refusal::TOO_MANY_FIELDS));
        let none = HeadLimits::new(0, 0, 0);
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MOST_BYTES));
        assert_eq!(Scan::default().find(long.as_bytes(), &none), Err(Refusal::LINE_TOO_LONG));
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(text in "[a\r\n]{0,40}", cut in 0usize..40) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut scan = Scan::default();
            let pieces = match scan.find(&bytes[..cut], &LIMITS) {
                Ok(None) => scan.find(bytes, &LIMITS),
                done => done,
            };
            prop_assert_eq!(pieces, whole(&text));
        }
    }
}
