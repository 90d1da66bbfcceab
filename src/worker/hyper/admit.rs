//! What a HTTP/2 request must be before the application sees it (RFC 9113, 8): the same as over HTTP/1, in another dress.
//!
//! The h2 crate refuses what is no request at all (pseudo-header fields, connection-specific fields, names with capitals,
//! a body that differs from its Content-Length); those streams are reset and never come here.

use crate::worker::http1::HeadLimits;
use crate::worker::request::Refusal;
use crate::worker::request::rules::{self, Framing};
use http::header::{COOKIE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::{Method, Request};
use hyper::ext::Protocol;

/// Checks the request, and gives it the fields that it would have over HTTP/1: one Host, one Cookie.
pub(super) fn admit<B>(request: &mut Request<B>, limits: &HeadLimits) -> Result<(), Refusal> {
    measure(request, limits)?;
    target(request)?;
    host(request)?;
    rules::framing(request.version(), request.headers())?;
    let mut expectations = request.headers().get_all(EXPECT).iter();
    if expectations.any(|expectation| !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::EXPECTATION);
    }
    // White space around a value is not part of it, so it is malformed (8.2.1).
    if request.headers().values().any(|value| value.as_bytes().trim_ascii().len() != value.len()) {
        return Err(Refusal::VALUE);
    }
    join_cookies(request.headers_mut());
    Ok(())
}

fn measure<B>(request: &Request<B>, limits: &HeadLimits) -> Result<(), Refusal> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if request.method().as_str().len() + target + " HTTP/1.1 ".len() > limits.line {
        return Err(Refusal::LINE_TOO_LONG);
    }
    // Crumbs of a cookie are one field.
    let crumbs = request.headers().get_all(COOKIE).iter().count();
    if request.headers().len() - crumbs.saturating_sub(1) > limits.fields {
        return Err(Refusal::TOO_MANY_FIELDS);
    }
    let is_long = |(name, value): (&http::HeaderName, &HeaderValue)| {
        name.as_str().len() + ": ".len() + value.len() > limits.field
    };
    let cookie: usize = request.headers().get_all(COOKIE).iter().map(|crumb| crumb.len() + "; ".len()).sum();
    if request.headers().iter().any(is_long) || "cookie".len() + cookie > limits.field {
        return Err(Refusal::FIELD_TOO_LONG);
    }
    Ok(())
}

fn target<B>(request: &Request<B>) -> Result<(), Refusal> {
    let (method, uri) = (request.method(), request.uri());
    // A tunnel to a host has no path; one for another protocol has (RFC 8441, 4).
    let method = match (method == Method::CONNECT, request.extensions().get::<Protocol>()) {
        (true, None) => return Ok(()),
        (true, Some(protocol)) => {
            let is_websocket = protocol.as_str().eq_ignore_ascii_case("websocket");
            if is_websocket && request.headers().get("sec-websocket-version").is_none_or(|version| version != "13") {
                return Err(Refusal::WEBSOCKET_VERSION);
            }
            &Method::GET
        }
        (false, _) => method,
    };
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    rules::target(method, target.as_bytes(), uri)
}

/// The host is that of `:authority`; a Host field beside it must say the same (8.3.1), and gives way to it.
fn host<B>(request: &mut Request<B>) -> Result<(), Refusal> {
    if request.headers().contains_key(HOST) {
        rules::host(request.version(), request.uri(), request.headers())?;
    }
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::HOST)?;
        request.headers_mut().insert(HOST, host);
    }
    rules::host(request.version(), request.uri(), request.headers())
}

/// A cookie may come in crumbs, for the sake of compression; applications know one field only (8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) else { return };
    let mut whole = first.as_bytes().to_vec();
    for crumb in std::iter::once(second).chain(crumbs) {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(crumb.as_bytes());
    }
    // Values joined by visible characters are a value.
    if let Ok(whole) = HeaderValue::from_bytes(&whole) {
        headers.insert(COOKIE, whole);
    }
}

/// How long the body is, if the client says so.
pub(super) fn said_length(headers: &HeaderMap) -> Option<u64> {
    match rules::framing(http::Version::HTTP_2, headers) {
        Ok(Framing::Length(length)) => Some(length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Version;

    fn request(uri: &str, fields: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(uri).version(Version::HTTP_2).body(()).unwrap();
        for (name, value) in fields {
            request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        request
    }

    fn admitted(uri: &str, fields: &[(&'static str, &str)]) -> Result<HeaderMap, Refusal> {
        let mut request = request(uri, fields);
        admit(&mut request, &HeadLimits::new(100, 4, 50)).map(|()| request.headers().clone())
    }

    #[test]
    fn the_authority_is_the_host() {
        assert_eq!(admitted("http://a:80/x", &[]).unwrap()["host"], "a:80");
        assert_eq!(admitted("http://a/x", &[("host", "A:80")]).unwrap()["host"], "a");
        assert_eq!(admitted("http://a/x", &[("host", "b")]), Err(Refusal::OTHER_HOST));
        assert_eq!(admitted("http://a/x", &[("host", "a"), ("host", "a")]), Err(Refusal::HOSTS));
        assert_eq!(admitted("/x", &[]), Err(Refusal::NO_HOST));
        assert_eq!(admitted("/x", &[("host", "b")]).unwrap()["host"], "b");
        assert_eq!(admitted("http://u@a/x", &[]), Err(Refusal::HOST));
    }

    #[test]
    fn crumbs_become_a_cookie() {
        let headers = admitted("http://a/", &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]).unwrap();
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
        assert_eq!(admitted("http://a/", &[("cookie", "a=1")]).unwrap()["cookie"], "a=1");
    }

    #[test]
    fn the_limits_of_http1_hold() {
        let long = "x".repeat(60);
        assert_eq!(admitted(&format!("http://a/{}", "x".repeat(100)), &[]), Err(Refusal::LINE_TOO_LONG));
        assert_eq!(admitted("http://a/", &[("x", &long)]), Err(Refusal::FIELD_TOO_LONG));
        assert_eq!(
            admitted("http://a/", &[("cookie", &long[..25]), ("cookie", &long[..25])]),
            Err(Refusal::FIELD_TOO_LONG)
        );
        assert_eq!(admitted("http://a/", &[("x", "1"); 5]), Err(Refusal::TOO_MANY_FIELDS));
        admitted("http://a/", &[("cookie", "1"); 6]).unwrap();
    }

    #[test]
    fn what_http1_refuses_is_refused() {
        for (fields, refusal) in [
            (&[("content-length", "1"), ("content-length", "1")][..], Refusal::LENGTH),
            (&[("content-length", "+1")], Refusal::LENGTH),
            (&[("expect", "more")], Refusal::EXPECTATION),
            (&[("x", " 1")], Refusal::VALUE),
            (&[("x", "1\t")], Refusal::VALUE),
        ] {
            assert_eq!(admitted("http://a/", fields), Err(refusal), "{fields:?}");
        }
        let mut starred = request("http://a", &[]);
        *starred.uri_mut() = http::Uri::builder().scheme("http").authority("a").path_and_query("*").build().unwrap();
        assert_eq!(admit(&mut starred, &HeadLimits::new(0, 4, 0)), Err(Refusal::TARGET));
        *starred.method_mut() = Method::OPTIONS;
        assert_eq!(admit(&mut starred, &HeadLimits::new(0, 4, 0)), Ok(()));
    }
}
