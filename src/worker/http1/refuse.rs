//! A refusal as bytes.

use super::encode::field;
use super::refusal::Refusal;
use super::wire::Wire;
use http::header::{CONTENT_TYPE, DATE, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

impl Refusal {
    /// Writes the answer: small, whole, and the last of its connection. To a HEAD request it is bare of its body.
    /// Returns how long that is.
    pub(super) fn write(
        &self,
        wire: &mut Wire,
        server: bool,
        date: Option<&[u8; 29]>,
        id: Option<(&HeaderName, &HeaderValue)>,
        others: &HeaderMap,
        is_bare: bool,
    ) -> u64 {
        let out = wire.output();
        let reason = self.status.canonical_reason().unwrap_or_default();
        for part in ["HTTP/1.1 ", self.status.as_str(), " ", reason, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        field(out, "content-type", b"text/plain; charset=utf-8");
        let length = self.reason.len() + 1;
        field(out, "content-length", itoa::Buffer::new().format(length).as_bytes());
        for (name, value) in others.iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            field(out, name.as_str(), value.as_bytes());
        }
        if server && !others.contains_key(SERVER) {
            field(out, "server", b"rustcorn");
        }
        if let Some(date) = date.filter(|_| !others.contains_key(DATE)) {
            field(out, "date", date);
        }
        if let Some((name, id)) = id {
            field(out, name.as_str(), id.as_bytes());
        }
        if let Some((name, value)) = self.field {
            field(out, name, value.as_bytes());
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110, 15.5.22
            field(out, "upgrade", b"websocket");
            field(out, "connection", b"close, upgrade");
        } else {
            field(out, "connection", b"close");
        }
        out.extend_from_slice(b"\r\n");
        if is_bare {
            return 0;
        }
        out.extend_from_slice(self.reason.as_bytes());
        out.push(b'\n');
        length as u64
    }
}
