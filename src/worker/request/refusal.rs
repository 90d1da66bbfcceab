//! Why a request is refused before the application hears of it, and the answer that says so.

use http::StatusCode;

/// A refusal. Over HTTP/1 the connection ends with it, since what follows on it cannot be trusted; over HTTP/2 the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worker) struct Refusal {
    /// The status.
    pub(in crate::worker) status: StatusCode,
    /// One sentence for the client, and for the log.
    pub(in crate::worker) reason: &'static str,
    /// A field that the status calls for.
    pub(in crate::worker) field: Option<(&'static str, &'static str)>,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $reason:literal $(, $field:expr)?;)+) => {
        impl Refusal {
            $($(#[$doc])* pub(in crate::worker) const $name: Self =
                Self::new(StatusCode::$status, $reason)$(.with($field))?;)+
        }
    };
}

refusals! {
    // RFC 9112, 2.2 and 3
    BARE_LF: BAD_REQUEST, "A line of the request ends with LF alone, not with CR LF.";
    SYNTAX: BAD_REQUEST, "This is no HTTP request.";
    NAME: BAD_REQUEST, "A header field's name holds a character that it may not hold, or white space before its colon.";
    VALUE: BAD_REQUEST, "A header field's value holds a character that it may not hold.";
    VERSION: HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here.";
    NO_HTTP2: HTTP_VERSION_NOT_SUPPORTED, "HTTP/2 is not spoken on this connection.";
    TARGET: BAD_REQUEST, "The request's target has a form that it may not have with this method.";
    // RFC 9112, 3.2
    NO_HOST: BAD_REQUEST, "The Host field is missing.";
    HOSTS: BAD_REQUEST, "There is more than one Host field.";
    HOST: BAD_REQUEST, "The Host field is not a host and a port.";
    OTHER_HOST: BAD_REQUEST, "The Host field differs from the request's target.";
    // RFC 9112, 6 and 7
    LENGTH: BAD_REQUEST, "The Content-Length field is not one number.";
    LENGTH_AND_CODING: BAD_REQUEST, "Content-Length and Transfer-Encoding exclude each other.";
    CODING: BAD_REQUEST, "The last transfer coding of the request is not chunked, or chunked is not used once.";
    CODING_AND_OLD: BAD_REQUEST, "HTTP/1.0 has no transfer codings.";
    UNKNOWN_CODING: NOT_IMPLEMENTED, "Chunked is the only transfer coding that is understood here.";
    CHUNK: BAD_REQUEST, "The chunked body of the request is malformed.";
    TRAILERS: REQUEST_HEADER_FIELDS_TOO_LARGE, "The trailer of the request is too large.";
    EXPECTATION: EXPECTATION_FAILED, "100-continue is the only expectation that can be met.";
    // limits
    LINE_TOO_LONG: URI_TOO_LONG, "The request line is too long.";
    FIELD_TOO_LONG: REQUEST_HEADER_FIELDS_TOO_LARGE, "A header field is too long.";
    TOO_MANY_FIELDS: REQUEST_HEADER_FIELDS_TOO_LARGE, "There are too many header fields.";
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "The request's body is too large.";
    OVERLOADED: SERVICE_UNAVAILABLE, "Too many requests are being answered.", ("retry-after", "1");
    // times
    HEAD_TOO_SLOW: REQUEST_TIMEOUT, "The request took too long to arrive.";
    BODY_TOO_SLOW: REQUEST_TIMEOUT, "The body of the request took too long to arrive.";
    NO_ANSWER_IN_TIME: GATEWAY_TIMEOUT, "The application took too long to answer.";
    // RFC 6455, 4.2.1 and 4.4
    WEBSOCKET: BAD_REQUEST, "This is no WebSocket handshake of RFC 6455.";
    WEBSOCKET_VERSION: UPGRADE_REQUIRED, "Version 13 is the only WebSocket protocol that is spoken here.",
        ("sec-websocket-version", "13");
    // proxies
    CONTRADICTION: BAD_REQUEST, "The proxy's fields contradict each other about the client's address, the scheme or the host, or its Forwarded field is malformed.";
    // the application
    FAILURE: INTERNAL_SERVER_ERROR, "Internal Server Error";
}

impl Refusal {
    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, field: None }
    }

    const fn with(mut self, field: (&'static str, &'static str)) -> Self {
        self.field = Some(field);
        self
    }
}
