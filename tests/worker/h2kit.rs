//! A client of HTTP/2, and one that sends whatever frames it likes.

use crate::seat::{PATIENCE, Worker};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, StatusCode};
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use tokio::task::JoinHandle;

/// Runs a client, for as long as patience lasts.
pub fn run<T>(client: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, client).await.expect("the client is done in time") })
}

/// One connection.
pub struct Client {
    pub send: SendRequest<Bytes>,
    /// Ends with the connection.
    pub connection: JoinHandle<Result<(), h2::Error>>,
}

/// A whole response.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, or how it ended too early.
    pub body: Result<Vec<u8>, Reason>,
}

impl Got {
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().unwrap()).unwrap()
    }
}

impl Client {
    pub async fn connect(worker: &Worker) -> Self {
        let stream = tokio::net::TcpStream::connect(worker.address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        Self { send, connection: tokio::spawn(connection) }
    }

    /// Sends a request without a body.
    pub async fn ask(&mut self, request: Request<()>) -> ResponseFuture {
        self.send.clone().ready().await.unwrap().send_request(request, true).unwrap().0
    }

    pub async fn get(&mut self, path: &str) -> Got {
        let asked = self.ask(get(path)).await;
        whole(asked).await.unwrap()
    }
}

pub fn get(path: &str) -> Request<()> {
    Request::get(format!("http://test{path}")).body(()).unwrap()
}

/// The whole response; the reason, if there is not even a head.
pub async fn whole(asked: ResponseFuture) -> Result<Got, Reason> {
    let (head, body) = asked.await.map_err(|error| error.reason().unwrap_or(Reason::NO_ERROR))?.into_parts();
    Ok(Got { status: head.status, headers: head.headers, body: read(body).await })
}

pub async fn read(mut body: RecvStream) -> Result<Vec<u8>, Reason> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| error.reason().unwrap_or(Reason::NO_ERROR))?;
        body.flow_control().release_capacity(data.len()).unwrap();
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// A connection on which frames are written by hand.
pub struct Raw(pub TcpStream);

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

impl Raw {
    pub fn connect(worker: &Worker) -> Self {
        let mut stream = worker.connect();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut raw = Self(stream);
        assert!(raw.send(&frame(SETTINGS, 0, 0, &[])));
        raw
    }

    /// False: the worker has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// The next frame: type, flags, stream, payload; none: the connection is closed.
    pub fn receive(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// Reads until the connection is closed, and returns the frames on the way.
    pub fn rest(&mut self) -> Vec<(u8, u8, u32, Vec<u8>)> {
        std::iter::from_fn(|| self.receive()).collect()
    }
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The head of `GET path` as HPACK without Huffman coding.
pub fn head(path: &str) -> Vec<u8> {
    // :method GET, :scheme http, :authority test, :path
    let mut head = vec![0x82, 0x86, 0x01, 4];
    head.extend_from_slice(b"test");
    head.extend_from_slice(&[0x04, path.len() as u8]);
    head.extend_from_slice(path.as_bytes());
    head
}
