//! Reads one HTTP/1.1 response out of a buffer: just enough to know that the answer is whole and good.
//!
//! Owns no socket (see `client`). Refuses what it cannot measure honestly: a body whose end is not announced.

use anyhow::{Context, Result, anyhow, ensure};

/// Headers beyond this number are refused; no contender sends more than a handful.
const MAX_HEADERS: usize = 32;

/// A response whose head has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body begins in the buffer.
    pub body_at: usize,
    /// Its length, from `content-length`; none of a chunked one.
    pub body_len: Option<usize>,
    /// Whether the server closes the connection after this answer.
    pub closes: bool,
}

impl Head {
    /// How many bytes of the buffer head and body take together; none while a chunked body is incomplete.
    pub fn whole(&self, bytes: &[u8]) -> Result<Option<usize>> {
        match self.body_len {
            Some(length) => Ok(Some(self.body_at + length)),
            None => after_chunks(bytes, self.body_at),
        }
    }
}

/// Where a chunked body ends that begins at `at`; none while it is still incomplete.
fn after_chunks(bytes: &[u8], mut at: usize) -> Result<Option<usize>> {
    while let Some(rest) = bytes.get(at..) {
        let parsed = httparse::parse_chunk_size(rest).map_err(|_| anyhow!("a chunk has no size"))?;
        let httparse::Status::Complete((line, size)) = parsed else { return Ok(None) };
        let size = usize::try_from(size).context("a chunk is larger than memory")?;
        // The data, or after the last chunk the trailers, of which no contender sends any.
        let end = at + line + size + 2;
        if bytes.len() < end {
            return Ok(None);
        }
        ensure!(&bytes[end - 2..end] == b"\r\n", "a chunk does not end where it should");
        if size == 0 {
            return Ok(Some(end));
        }
        at = end;
    }
    Ok(None)
}

/// The head of the response that `bytes` begin with; none while it is still incomplete.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_at) = response.parse(bytes).context("the answer is not HTTP/1.1")? else {
        return Ok(None);
    };
    let status = response.code.context("the answer has no status code")?;
    let (mut body_len, mut chunked) = (None, false);
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
            ensure!(header.value.eq_ignore_ascii_case(b"chunked"), "the answer has a transfer-encoding beside chunked");
            chunked = true;
        }
    }
    // The answer that opens a WebSocket has no body.
    let body_len = if status == 101 { Some(0) } else { body_len };
    ensure!(body_len.is_some() != chunked, "the answer does not say once where it ends");
    Ok(Some(Head { status, body_at, body_len, closes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn a_whole_answer_is_measured() {
        let head = parse(ANSWER).unwrap().unwrap();
        assert_eq!(head, Head { status: 200, body_at: 38, body_len: Some(5), closes: false });
        assert_eq!(head.whole(ANSWER).unwrap(), Some(ANSWER.len()));
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
    fn a_chunked_body_ends_with_its_last_chunk() {
        let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n\r\n!\r\n0\r\n\r\n";
        let head = parse(answer).unwrap().unwrap();
        for cut in head.body_at..answer.len() {
            assert_eq!(head.whole(&answer[..cut]).unwrap(), None, "cut at {cut}");
        }
        assert_eq!(head.whole(answer).unwrap(), Some(answer.len()));
        assert!(head.whole(&[&answer[..head.body_at], b"2\r\nhello\r\n"].concat()).is_err());
        assert!(head.whole(&[&answer[..head.body_at], b"no size\r\n"].concat()).is_err());
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for bad in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
