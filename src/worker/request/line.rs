//! What the access log will want to know of a request once the application has it.

use super::flight::End;
use crate::log::access::{self, Access, Captured, Entry};
use crate::worker::connection::Connection;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use std::net::IpAddr;
use std::time::Duration;

/// Kept from the head of a request, if there is an access log.
pub(super) struct Line {
    client: Option<IpAddr>,
    method: Method,
    uri: Uri,
    version: Version,
    request: Captured,
    response: Captured,
    id: Option<Box<str>>,
}

impl Line {
    /// `seen`: the connection as it is for this request.
    pub(super) fn of<B>(log: &Access, request: &Request<B>, seen: &Connection) -> Self {
        Self {
            client: seen.client_ip(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            request: log.capture_request(request.headers()),
            response: Captured::none(),
            id: None,
        }
    }

    pub(super) fn named(&mut self, id: &HeaderValue) {
        self.id = id.to_str().ok().map(Into::into);
    }

    pub(super) fn answered(&mut self, log: &Access, headers: &HeaderMap) {
        if log.wants_response_headers() {
            self.response = log.capture_response(headers);
        }
    }

    pub(super) fn write(&self, log: &Access, status: u16, end: End, sent: u64, took: Duration) {
        let target = target(&self.uri);
        log.record(&Entry {
            client: self.client,
            method: self.method.as_str(),
            target: target.as_bytes(),
            version: Some(self.version),
            status,
            sent: Some(sent),
            took,
            end: end.for_log(),
            request: &self.request,
            response: &self.response,
            request_id: self.id.as_deref(),
            pid: log.pid(),
        });
    }
}

/// The target as it is shown: path and query, or of a tunnel (RFC 9110, 9.3.6) the authority.
pub(super) fn target(uri: &Uri) -> &str {
    let authority = || uri.authority().map_or("", http::uri::Authority::as_str);
    uri.path_and_query().map_or_else(authority, http::uri::PathAndQuery::as_str)
}

/// The line of a request that was refused before there was one, with this status and so many bytes of body: what came
/// of its first line stands for it.
pub(in crate::worker) fn refused(
    log: &Access,
    connection: &Connection,
    (status, sent): (u16, u64),
    first_line: &[u8],
    took: Duration,
) {
    let nothing = Captured::none();
    let mut words = first_line.splitn(3, |byte| *byte == b' ');
    let method = words.next().and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    log.record(&Entry {
        client: connection.client_ip(),
        method,
        target: words.next().unwrap_or_default(),
        version: match words.next() {
            Some(b"HTTP/1.1") => Some(Version::HTTP_11),
            Some(b"HTTP/1.0") => Some(Version::HTTP_10),
            _ => None,
        },
        status,
        sent: Some(sent),
        took,
        end: access::End::Answered,
        request: &nothing,
        response: &nothing,
        request_id: None,
        pid: log.pid(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_shown_by_its_authority() {
        for (uri, shown) in [("/a?b", "/a?b"), ("http://h/a", "/a"), ("h:443", "h:443"), ("*", "*")] {
            assert_eq!(target(&uri.parse().unwrap()), shown);
        }
    }
}
