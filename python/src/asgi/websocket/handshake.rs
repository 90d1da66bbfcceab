//! The answer that turns a connection, or a stream of HTTP/2, into a WebSocket. The worker has checked the request.

use super::deflate::{self, Agreed};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

/// What makes the framing of a response, and is not for applications to say.
const OURS: [HeaderName; 4] = [SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, CONNECTION, UPGRADE];

/// Whether this request asks for a WebSocket.
pub(in crate::asgi) fn is_websocket<B>(request: &Request<B>) -> bool {
    if request.extensions().get::<OnUpgrade>().is_none() {
        return false;
    }
    if request.version() == Version::HTTP_2 {
        let protocol = request.extensions().get::<Protocol>();
        return request.method() == Method::CONNECT
            && protocol.is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket"));
    }
    request.method() == Method::GET && words(request.headers(), &UPGRADE).any(|it| it.eq_ignore_ascii_case("websocket"))
}

fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// What the application can choose from.
pub(super) fn subprotocols(headers: &HeaderMap) -> Vec<&str> {
    words(headers, &SEC_WEBSOCKET_PROTOCOL).collect()
}

/// What is kept of the request until the application has accepted it.
pub(super) struct Asked {
    pub(super) upgrade: OnUpgrade,
    /// None: HTTP/2.
    key: Option<HeaderValue>,
    offers: String,
}

impl Asked {
    pub(super) fn of(parts: &mut Parts) -> Option<Self> {
        let upgrade = parts.extensions.remove::<OnUpgrade>()?;
        let key =
            if parts.version == Version::HTTP_2 { None } else { Some(parts.headers.get(SEC_WEBSOCKET_KEY)?.clone()) };
        let values = parts.headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
        let offers: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        Some(Self { upgrade, key, offers: offers.join(",") })
    }

    /// Whether it is a stream of HTTP/2, and no connection of its own.
    pub(super) fn is_stream(&self) -> bool {
        self.key.is_none()
    }

    /// The answer, and what was agreed upon.
    pub(super) fn accept(
        &self,
        subprotocol: Option<HeaderValue>,
        mut headers: HeaderMap,
        may_deflate: bool,
    ) -> (Response<()>, Option<Agreed>) {
        let mut response = Response::new(());
        OURS.iter().for_each(|name| drop(headers.remove(name)));
        *response.headers_mut() = headers;
        let headers = response.headers_mut();
        if let Some(key) = &self.key {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
            drop(accept.map(|accept| headers.insert(SEC_WEBSOCKET_ACCEPT, accept)));
        }
        if let Some(subprotocol) = subprotocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        let agreed = if may_deflate { deflate::agree(&self.offers) } else { None };
        let agreed = agreed.and_then(|(agreed, words)| Some((agreed, HeaderValue::try_from(words).ok()?)));
        if let Some((_, words)) = &agreed {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, words.clone());
        }
        if self.key.is_some() {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        }
        (response, agreed.map(|(agreed, _)| agreed))
    }
}
