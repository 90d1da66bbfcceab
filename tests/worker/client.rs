//! A client that believes nothing: it sends bytes as they are, and takes only responses that are well-formed.

use crate::seat::{PATIENCE, Worker};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A response, strictly read.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The fields after a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Reply {
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice: {self:?}");
        value
    }

    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|options| options.split(", ").any(|option| option == "close"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A connection, and what came on it and was not looked at.
pub struct Client {
    pub stream: TcpStream,
    pub rest: Vec<u8>,
}

impl Client {
    pub fn of(worker: &Worker) -> Self {
        Self { stream: worker.connect(), rest: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).reply()
    }

    fn more(&mut self) -> std::io::Result<()> {
        let mut space = [0; 65536];
        let count = self.stream.read(&mut space)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.extend_from_slice(&space[..count]);
        Ok(())
    }

    fn line(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                assert!(end > 0 && self.rest[end - 1] == b'\r', "a line ends with LF alone: {:?}", self.rest);
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(String::from_utf8(line[..end - 1].to_vec()).unwrap());
            }
            self.more()?;
        }
    }

    pub fn bytes(&mut self, count: usize) -> std::io::Result<Vec<u8>> {
        while self.rest.len() < count {
            self.more()?;
        }
        Ok(self.rest.drain(..count).collect())
    }

    fn fields(&mut self) -> std::io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
            let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-';
            assert!(!name.is_empty() && name.chars().all(is_token), "{line:?}");
            assert!(!value.contains('\r'), "{line:?}");
            fields.push((name.to_owned(), value.to_owned()));
        }
    }

    pub fn reply(&mut self) -> Reply {
        self.try_reply(false).unwrap()
    }

    /// Reads one response; `bare`: to a request that has HEAD for its method.
    pub fn try_reply(&mut self, bare: bool) -> std::io::Result<Reply> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("no status line: {line:?}"));
        assert_eq!(status.as_bytes().get(3), Some(&b' '), "{line:?}");
        let status = status[..3].parse().unwrap();
        let mut reply = Reply { status, fields: self.fields()?, body: Vec::new(), trailers: Vec::new() };
        let length = reply.field("content-length").map(|text| text.parse::<usize>().unwrap());
        match (length, reply.field("transfer-encoding")) {
            _ if bare || status < 200 || status == 204 || status == 304 => {}
            (Some(length), None) => reply.body = self.bytes(length)?,
            (None, Some("chunked")) => loop {
                let size = usize::from_str_radix(&self.line()?, 16).unwrap();
                if size == 0 {
                    reply.trailers = self.fields()?;
                    break;
                }
                reply.body.extend(self.bytes(size)?);
                assert_eq!(self.bytes(2)?, b"\r\n");
            },
            (None, None) => {
                assert!(reply.closes(), "nobody knows how long this is: {reply:?}");
                while self.more().is_ok() {}
                reply.body = std::mem::take(&mut self.rest);
            }
            both => panic!("{both:?}"),
        }
        Ok(reply)
    }

    /// Waits for the end of the connection: without a reset, and without another byte.
    pub fn closed(&mut self) {
        let begun = Instant::now();
        match self.more() {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
            other => panic!("{other:?} instead of the end, with {:?}", String::from_utf8_lossy(&self.rest)),
        }
        assert!(self.rest.is_empty(), "{:?}", String::from_utf8_lossy(&self.rest));
        assert!(begun.elapsed() < PATIENCE);
    }

    /// Nothing comes for so long.
    pub fn is_silent_for(&mut self, span: Duration) {
        self.stream.set_read_timeout(Some(span)).unwrap();
        let error = self.more().expect_err("nothing should come");
        assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
}
