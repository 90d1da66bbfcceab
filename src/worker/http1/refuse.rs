//! A refusal as bytes.

use super::encode::field;
use super::refusal::Refusal;
use super::wire::Wire;

impl Refusal {
    /// Writes the answer: small, whole, and the last of its connection.
    pub(super) fn write(&self, wire: &mut Wire, date: Option<&[u8; 29]>) {
        let out = wire.output();
        let reason = self.status.canonical_reason().unwrap_or_default();
        for part in ["HTTP/1.1 ", self.status.as_str(), " ", reason, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        field(out, "content-type", b"text/plain; charset=utf-8");
        field(out, "content-length", itoa::Buffer::new().format(self.reason.len() + 1).as_bytes());
        if let Some(date) = date {
            field(out, "date", date);
        }
        if let Some((name, value)) = self.field {
            field(out, name, value.as_bytes());
        }
        field(out, "connection", b"close");
        for part in ["\r\n", self.reason, "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}
