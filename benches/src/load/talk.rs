//! What the clients of a closed loop say, and which answers are good. No sockets here.

use anyhow::{Result, ensure};

use super::Shape;
use super::client::{keep_alive_request, only_request};
use super::response;

/// Room for one answer. The routes that are measured answer with 10 KB at most.
pub const BUFFER: usize = 16 * 1024;

/// Enough for requests that are never the same again.
const DIGITS: usize = 10;

/// The words of the clients.
pub struct Talk {
    /// What opens a WebSocket, to be answered with 101; none for requests.
    pub opening: Option<Vec<u8>>,
    /// What is sent again and again.
    pub request: Vec<u8>,
    /// Where in it numbers of [`DIGITS`] digits are, another in each request.
    numbers: Vec<usize>,
    answer: Answer,
}

/// What a good answer is.
enum Answer {
    /// One of HTTP, which is parsed unless it equals the last good one.
    Http(Known),
    /// These bytes: a frame of a WebSocket.
    Frame(Vec<u8>),
}

/// The last good answer.
#[derive(Default)]
struct Known {
    bytes: Vec<u8>,
    closes: bool,
}

impl Talk {
    /// What clients of this shape say.
    pub fn of(shape: Shape) -> Self {
        let request = match shape {
            Shape::KeepAlive => keep_alive_request("/"),
            Shape::OneRequestEach => only_request("/"),
            Shape::Get(path) => keep_alive_request(path),
            Shape::Varied(path) => return Self::varied(path),
            Shape::Post(path, length) => post(path, length),
            Shape::Echo(path, length) => {
                let (request, echo) = (frame(length, Some([1, 2, 3, 4])), frame(length, None));
                return Self {
                    opening: Some(upgrade(path)),
                    request,
                    numbers: Vec::new(),
                    answer: Answer::Frame(echo),
                };
            }
        };
        Self { opening: None, request, numbers: Vec::new(), answer: Answer::Http(Known::default()) }
    }

    fn varied(path: &str) -> Self {
        let number = "0".repeat(DIGITS);
        let before = format!("GET {path}?number=");
        let between = " HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: ";
        let numbers = vec![before.len(), before.len() + DIGITS + between.len()];
        let request = format!("{before}{number}{between}{number}\r\n\r\n").into_bytes();
        Self { opening: None, request, numbers, answer: Answer::Http(Known::default()) }
    }

    /// The next request is another one.
    pub fn vary(&mut self) {
        for &at in &self.numbers {
            for digit in self.request[at..at + DIGITS].iter_mut().rev() {
                *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
                if *digit != b'0' {
                    break;
                }
            }
        }
    }

    /// Whether the answer to the opening is whole.
    pub fn opened(piece: &mut Vec<u8>, fresh: &[u8]) -> Result<bool> {
        piece.extend_from_slice(fresh);
        let Some(head) = response::parse(piece)? else { return Ok(false) };
        ensure!(head.status == 101, "the opening of a WebSocket is answered with status {}", head.status);
        ensure!(head.body_at == piece.len(), "the server sent a message that nobody asked for");
        piece.clear();
        Ok(true)
    }

    /// Whether the answer in `piece` and `fresh` is whole, and if so whether the connection ends with it.
    pub fn whole(&mut self, piece: &mut Vec<u8>, fresh: &[u8]) -> Result<Option<bool>> {
        let echo = match &mut self.answer {
            Answer::Http(known) => return known.whole(piece, fresh),
            Answer::Frame(echo) => echo,
        };
        piece.extend_from_slice(fresh);
        ensure!(echo.starts_with(piece), "the echo is not what was sent");
        let whole = piece.len() == echo.len();
        if whole {
            piece.clear();
        }
        Ok(whole.then_some(false))
    }
}

impl Known {
    fn whole(&mut self, piece: &mut Vec<u8>, fresh: &[u8]) -> Result<Option<bool>> {
        if piece.is_empty() && self.bytes == fresh {
            return Ok(Some(self.closes));
        }
        piece.extend_from_slice(fresh);
        let head = response::parse(piece)?;
        let whole = head.as_ref().map_or(Ok(None), |head| head.whole(piece))?;
        let (Some(head), Some(whole)) = (head, whole.filter(|whole| *whole <= piece.len())) else {
            ensure!(piece.len() < BUFFER, "the answer is larger than {BUFFER} bytes");
            return Ok(None);
        };
        ensure!(whole == piece.len(), "the server sent more than the answer");
        ensure!(head.status == 200, "the answer has status {}", head.status);
        *self = Self { bytes: std::mem::take(piece), closes: head.closes };
        Ok(Some(head.closes))
    }
}

fn post(path: &str, length: usize) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), vec![b'x'; length]].concat()
}

/// The key is that of RFC 6455; nobody here checks what the server makes of it, for it does so correctly or no client
/// ever talks to it.
fn upgrade(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

/// A message of bytes in one frame, masked as a client does it or plain as a server does.
fn frame(length: usize, mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![0x82];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => frame.push(masked | short),
        (_, Ok(long)) => {
            frame.push(masked | 126);
            frame.extend(long.to_be_bytes());
        }
        _ => {
            frame.push(masked | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask.iter().flatten());
    let key = mask.unwrap_or_default();
    frame.extend((0..length).map(|index| b'x' ^ key[index % 4]));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn a_varied_request_is_never_the_same_again() {
        let mut talk = Talk::of(Shape::Varied("/"));
        (0..109).for_each(|_| talk.vary());
        let text = "GET /?number=0000000109 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: 0000000109\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&talk.request), text);
    }

    #[test]
    fn an_answer_is_whole_in_one_piece_and_in_many() {
        let mut talk = Talk::of(Shape::KeepAlive);
        for cut in 1..ANSWER.len() {
            let mut piece = Vec::new();
            assert_eq!(talk.whole(&mut piece, &ANSWER[..cut]).unwrap(), None);
            assert_eq!(talk.whole(&mut piece, &ANSWER[cut..]).unwrap(), Some(false));
            assert!(piece.is_empty());
        }
        assert_eq!(talk.whole(&mut Vec::new(), ANSWER).unwrap(), Some(false));
    }

    #[test]
    fn what_is_no_good_answer_is_an_error_however_good_the_last_one_was() {
        let mut talk = Talk::of(Shape::KeepAlive);
        talk.whole(&mut Vec::new(), ANSWER).unwrap();
        for bad in [
            &b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!",
            b"nonsense\r\n\r\n",
        ] {
            assert!(talk.whole(&mut Vec::new(), bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn an_echo_comes_in_a_frame_of_its_own() {
        let mut talk = Talk::of(Shape::Echo("/", 3));
        assert_eq!(talk.request, [0x82, 0x83, 1, 2, 3, 4, b'x' ^ 1, b'x' ^ 2, b'x' ^ 3]);
        let mut piece = Vec::new();
        assert!(!Talk::opened(&mut piece, b"HTTP/1.1 101 Switching Protocols\r\n").unwrap());
        assert!(Talk::opened(&mut piece, b"\r\n").unwrap());
        assert_eq!(talk.whole(&mut piece, b"\x82\x03x").unwrap(), None);
        assert_eq!(talk.whole(&mut piece, b"xx").unwrap(), Some(false));
        assert!(talk.whole(&mut piece, b"\x88\x02").is_err());
        assert!(Talk::opened(&mut Vec::new(), b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").is_err());
        assert_eq!(frame(200, None)[..4], [0x82, 126, 0, 200]);
    }
}
