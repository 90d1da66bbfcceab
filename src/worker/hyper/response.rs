//! The head of a response: what the protocol and the settings make of the application's, and what is said instead of it.

use super::line::Tracker;
use super::outgoing::Outgoing;
use super::service::{Asked, Failure};
use super::stream::Stream;
use super::streams::Streams;
use crate::worker::application::tell_failure;
use crate::worker::request::{Refusal, rules};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SERVER, UPGRADE};
use http::{Method, Response, StatusCode, Version};
use http_body::Body;
use std::sync::Arc;

/// What the Server field says.
const SERVER_NAME: &str = "rustcorn";

/// The request that is answered.
pub(super) struct Answered<'a> {
    pub(super) streams: &'a Streams,
    pub(super) stream: Arc<Stream>,
    pub(super) asked: &'a Asked,
    pub(super) tracker: Option<&'a Tracker>,
}

pub(super) fn finish<B: Body>(result: Result<Response<B>, Failure>, answered: Answered<'_>) -> Response<Outgoing<B>> {
    let refusal = match result {
        Ok(response) => match refuse(&response, &answered) {
            None => return accept(response, answered),
            Some(refusal) => refusal,
        },
        Err(Failure::Refused(refusal)) => {
            crate::log::debug!(
                "A request from {} is refused with {}: {}",
                answered.streams.connection.peer(),
                refusal.status,
                refusal.reason
            );
            refusal
        }
        Err(Failure::Error(error)) => {
            let request = answered.stream.describe();
            tell_failure(format_args!("The application failed to answer {request}"), &error);
            Refusal::FAILURE
        }
        Err(Failure::Panic) => {
            crate::log::error!("The panic was in the answer to {}", answered.stream.describe());
            Refusal::FAILURE
        }
    };
    say(refusal, answered)
}

/// A response that is none: only a connection of HTTP/1 can switch protocols.
fn refuse<B>(response: &Response<B>, answered: &Answered<'_>) -> Option<Refusal> {
    let status = response.status();
    let may_switch = answered.asked.version != Version::HTTP_2 && status == StatusCode::SWITCHING_PROTOCOLS;
    if !status.is_informational() || may_switch {
        return None;
    }
    let request = answered.stream.describe();
    crate::log::error!("The response to {request} has the status {status}, which is no answer here");
    Some(Refusal::FAILURE)
}

fn accept<B: Body>(mut response: Response<B>, answered: Answered<'_>) -> Response<Outgoing<B>> {
    let Answered { streams, stream, asked, tracker } = answered;
    let status = response.status();
    stream.sign(response.headers_mut());
    stream.answered(status, response.headers());
    streams.worker.dress(response.headers_mut());
    if streams.worker.orders.requests.server_header {
        response.headers_mut().entry(SERVER).or_insert(HeaderValue::from_static(SERVER_NAME));
    }
    let is_connect = asked.method == Method::CONNECT && status.is_success();
    if is_connect || status == StatusCode::SWITCHING_PROTOCOLS {
        // hyper hands the connection, or the stream, to the application once the head is sent.
        response.headers_mut().remove(CONTENT_LENGTH);
        let is_websocket = rules::has_token(response.headers(), UPGRADE, "websocket");
        if let Some(tracker) = tracker.filter(|_| is_websocket && !asked.has_body) {
            tracker.begin();
        }
        stream.becomes_tunnel();
        return response.map(|_| Outgoing::whole(Bytes::new(), stream));
    }
    if asked.version != Version::HTTP_2 {
        last_of_its_connection(&mut response);
    }
    let said = rules::said_length(response.headers());
    let hint = response.body().size_hint().exact();
    response.headers_mut().remove(CONTENT_LENGTH);
    if status == StatusCode::NO_CONTENT {
        return response.map(|_| Outgoing::whole(Bytes::new(), stream));
    }
    if asked.method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        // The length of the body that a GET would have got: only the application knows it, if its body was taken away.
        let length = said.or(hint.filter(|length| *length > 0 && status != StatusCode::NOT_MODIFIED));
        announce(&mut response, length);
        return response.map(|_| Outgoing::whole(Bytes::new(), stream));
    }
    let length = said.or(hint);
    announce(&mut response, length);
    response.map(|body| Outgoing::application(body, length, stream))
}

/// A small answer of the server's own.
fn say<B>(refusal: Refusal, answered: Answered<'_>) -> Response<Outgoing<B>> {
    let Answered { streams, stream, asked, .. } = answered;
    stream.refused(refusal.status);
    let text = Bytes::from(format!("{}\n", refusal.reason));
    let mut response = Response::new(());
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some((name, value)) = refusal.field {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    streams.worker.dress(headers);
    if streams.worker.orders.requests.server_header {
        headers.entry(SERVER).or_insert(HeaderValue::from_static(SERVER_NAME));
    }
    stream.sign(headers);
    announce(&mut response, Some(text.len() as u64));
    if asked.version != Version::HTTP_2 {
        last_of_its_connection(&mut response);
    }
    let text = if asked.method == Method::HEAD { Bytes::new() } else { text };
    response.map(|()| Outgoing::whole(text, stream))
}

fn announce<B>(response: &mut Response<B>, length: Option<u64>) {
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// Makes hyper close the connection after this response, and say so in it.
fn last_of_its_connection<B>(response: &mut Response<B>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}
