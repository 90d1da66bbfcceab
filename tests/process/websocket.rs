//! WebSockets across a reload and a stop: their clients are told to come back, and nothing is cut.

use crate::kit::*;
use std::io::{Read, Write};
use std::net::TcpStream;

/// A client that knows just enough of RFC 6455.
struct Socket(TcpStream);

impl Socket {
    fn open(server: &Server) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.address().port())).expect("a connection");
        stream.set_read_timeout(Some(SOON)).expect("a limit");
        let fields = "Host: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        write!(stream, "GET /echoes HTTP/1.1\r\n{fields}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            .expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Sends a short frame; the mask is zero.
    fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode, 0x80 | u8::try_from(payload.len()).expect("short"), 0, 0, 0, 0];
        frame.extend(payload);
        self.0.write_all(&frame).expect("sent");
    }

    /// The next short frame: opcode and payload.
    fn receive(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut payload).expect("its payload");
        (head[0] & 0x0f, payload)
    }

    fn echo(&mut self, text: &str) {
        self.send(1, text.as_bytes());
        assert_eq!(self.receive(), (1, text.as_bytes().to_vec()));
    }

    /// Waits for the server's close frame with this status, answers it, and waits for the end.
    fn is_closed_with(&mut self, status: u16) {
        let (opcode, payload) = self.receive();
        assert_eq!((opcode, payload.as_slice()), (8, &status.to_be_bytes()[..]));
        self.send(8, &payload);
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an end in order");
        assert_eq!(rest, b"");
    }
}

#[test]
fn a_reload_closes_with_service_restart() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").args("--workers 1 --graceful-timeout 20").start();
    let old = server.wait_workers(1)[0];
    let mut socket = Socket::open(&server);
    socket.echo("before");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    socket.is_closed_with(1012);
    // Long before the grace ends: nothing holds the old worker any more.
    proc::wait_gone(old, SOON);
    server.wait_log_since(mark, &["the socket is over"], SOON);
    assert!(!server.log_since(mark).contains(" cuts "), "{}", server.log_since(mark));
    // The successor was there before, so the client can come back at once.
    Socket::open(&server).echo("after");
    server.finish();
}

#[test]
fn a_stop_closes_too() {
    let lab = Lab::new().with_testapps();
    let mut server = lab.launch().app("testapps:router").args("--workers 2 --graceful-timeout 20").start();
    server.wait_workers(2);
    let mut sockets: Vec<Socket> = (0..4).map(|_| Socket::open(&server)).collect();
    sockets.iter_mut().for_each(|socket| socket.echo("before"));
    server.signal(Signal::SIGTERM);
    sockets.iter_mut().for_each(|socket| socket.is_closed_with(1012));
    assert_eq!(server.wait_exit(SOON), 0);
    assert!(!server.log().contains(" cuts "), "{}", server.log());
}
