//! Reads one HTTP/1.1 response out of a buffer: just enough to know that the answer is whole and good.
//!
//! Owns no socket (see `client`). Refuses what it cannot measure honestly: a body whose length is not announced.

use anyhow::{Context, Result, bail, ensure};

/// Headers beyond this number are refused; no contender sends more than a handful.
const MAX_HEADERS: usize = 32;

/// A response whose head has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body begins in the buffer.
    pub body_at: usize,
    /// Its length, from `content-length`.
    pub body_len: usize,
    /// Whether the server closes the connection after this answer.
    pub closes: bool,
}

impl Head {
    /// How many bytes of the buffer head and body take together.
    pub fn whole(&self) -> usize {
        self.body_at + self.body_len
    }
}

/// The head of the response that `bytes` begin with; none while it is still incomplete.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_at) = response.parse(bytes).context("the answer is not HTTP/1.1")? else {
        return Ok(None);
    };
    let status = response.code.context("the answer has no status code")?;
    let mut body_len = None;
    // HTTP/1.0 closes unless it says otherwise; no contender answers in it to a 1.1 request and keeps the connection.
    let mut closes = response.version == Some(0);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).context("content-length is not text")?;
            let length: usize = text.trim().parse().with_context(|| format!("content-length is `{text}`"))?;
            ensure!(body_len.is_none_or(|earlier| earlier == length), "two content-length headers disagree");
            body_len = Some(length);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes |= header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the answer is chunked; the load generator measures routes of known length");
        }
    }
    let body_len = body_len.context("the answer has no content-length")?;
    Ok(Some(Head { status, body_at, body_len, closes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn a_whole_answer_is_measured() {
        let head = parse(ANSWER).unwrap().unwrap();
        assert_eq!(head, Head { status: 200, body_at: 38, body_len: 5, closes: false });
        assert_eq!(head.whole(), ANSWER.len());
    }

    #[test]
    fn every_beginning_of_a_head_is_incomplete() {
        for cut in 0..38 {
            assert_eq!(parse(&ANSWER[..cut]).unwrap(), None, "cut at {cut}");
        }
    }

    #[test]
    fn closing_is_noticed() {
        let head = parse(b"HTTP/1.1 503 Busy\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n").unwrap().unwrap();
        assert!(head.closes);
        assert_eq!(head.status, 503);
        assert!(parse(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap().unwrap().closes);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for bad in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
