//! The head of a response, and how its body will be sent.

use super::date;
use super::encode::{self, Framing, Plan};
use super::exchange::{Advance, After, Step};
use super::scratch;
use super::task::Parts;
use crate::sys::clock;
use crate::worker::application::Application;
use crate::worker::sendfile::SendFile;
use http::Response;
use http_body::Body as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl<S: Application> Parts<'_, S> {
    /// The head of the response is there.
    pub(super) fn respond(&mut self, mut response: Response<S::Body>) -> Advance {
        if response.status().is_informational() {
            self.complain("has a status below 200, which is no answer");
            return self.fail(Some("no final status".into()));
        }
        let (Some(wire), Some(exchange)) = (self.wire.as_mut(), self.exchange.as_mut()) else {
            return Advance::Over(After::Abort);
        };
        let requests = &self.worker.orders.requests;
        let most = requests.keepalive_requests;
        let enough = self.worker.is_draining() || self.worker.no_keepalive || most > 0 && *self.served >= most;
        // What is left of the body is thrown away, unless there is too much of it, or the client holds it back.
        let in_the_way = !exchange.source.is_done() && (exchange.expects || !exchange.source.is_little());
        let date = requests.date_header.then(|| date::date(exchange.stamp.unwrap_or_else(clock::now)));
        let plan = Plan {
            version: exchange.version,
            method: &exchange.method,
            close: exchange.close || enough || in_the_way,
            server: requests.server_header,
            date: date.as_ref(),
        };
        if let Some(flight) = &exchange.flight {
            flight.sign(response.headers_mut());
        }
        self.worker.dress(response.headers_mut());
        // The application's own code, all of it.
        let hint = catch_unwind(AssertUnwindSafe(|| (response.body().size_hint(), response.body().is_end_stream())));
        let Ok((hint, is_empty)) = hint else { return self.fail(None) };
        let output = wire.output();
        let before = output.len();
        let (framing, close) = encode::head(output, &response, &hint, &plan);
        exchange.head = (output.len() - before) as u64;
        if close && (!exchange.close || !exchange.source.is_done() || !wire.input.is_empty()) {
            // The client does not know yet, and may send on; or it has sent what nobody has read.
            self.connection.state().set_linger(true);
        }
        exchange.close = close;
        if let Some(flight) = exchange.flight.as_mut() {
            flight.answered(response.status(), response.headers());
        }
        scratch::keep_headers(std::mem::take(response.headers_mut()));
        exchange.framing = Some(framing);
        if let Some(file) = response.extensions_mut().remove::<SendFile>()
            && framing == Framing::Length(file.length)
            && wire.io.sends_files()
        {
            wire.push_file(file);
            return self.sent(None);
        }
        self.step.set(Step::Sending { body: response.into_body() });
        if is_empty || framing == Framing::None {
            let fault = framing.end(wire, None);
            return self.sent(fault);
        }
        Advance::On
    }
}
