//! Where the frames begin in what a WebSocket server sends (RFC 6455, 5.2), so that a frame of our own can go between
//! two of the application's. Pure; the bytes themselves are looked at only as far as the length of a frame.

/// The position in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frames {
    stage: Stage,
    /// The application has begun to send its own close frame: nothing may follow it.
    closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// In the response that ends the handshake; so many bytes of its last four were seen.
    Response(usize),
    /// In a frame's head, of which these bytes were seen.
    Head { bytes: [u8; 10], have: usize },
    /// In a frame's payload, of which so many bytes are to come.
    Payload(u64),
    /// These are no frames that a server may send: nothing is known any more.
    Lost,
}

const HEAD: Stage = Stage::Head { bytes: [0; 10], have: 0 };
const END_OF_RESPONSE: &[u8; 4] = b"\r\n\r\n";
const OPCODE_CLOSE: u8 = 8;

impl Frames {
    /// Before the response that ends the handshake.
    pub(super) fn new() -> Self {
        Self { stage: Stage::Response(0), closes: false }
    }

    /// Whether a frame may begin here.
    pub(super) fn is_between(&self) -> bool {
        self.stage == HEAD
    }

    /// Whether the application closes the connection itself.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    /// How many of these bytes lead up to the next place between two frames; all, if it is not among them.
    pub(super) fn until_between(&self, bytes: &[u8]) -> usize {
        let mut frames = *self;
        let mut count = 0;
        while !frames.is_between() && count < bytes.len() {
            count += frames.step(&bytes[count..]);
        }
        count
    }

    /// These bytes were sent.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.step(bytes);
            bytes = &bytes[count..];
        }
    }

    /// Goes on by at least one byte, and not beyond the end of a frame.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match &mut self.stage {
            Stage::Lost => bytes.len(),
            Stage::Response(seen) => {
                let Some(first) = bytes.first() else { return 0 };
                // The pattern begins with CR, and only there it can begin again.
                *seen = if *first == END_OF_RESPONSE[*seen] { *seen + 1 } else { usize::from(*first == b'\r') };
                if *seen == END_OF_RESPONSE.len() {
                    self.stage = HEAD;
                }
                1
            }
            Stage::Payload(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= count as u64;
                if *left == 0 {
                    self.stage = HEAD;
                }
                count
            }
            Stage::Head { bytes: head, have } => {
                let Some(first) = bytes.first() else { return 0 };
                head[*have] = *first;
                *have += 1;
                let (head, have) = (*head, *have);
                self.closes |= have == 1 && head[0] & 0x0f == OPCODE_CLOSE;
                match payload(&head, have) {
                    Length::Unknown => {}
                    Length::Wrong => self.stage = Stage::Lost,
                    Length::Is(0) => self.stage = HEAD,
                    Length::Is(length) => self.stage = Stage::Payload(length),
                }
                1
            }
        }
    }
}

enum Length {
    Unknown,
    Is(u64),
    Wrong,
}

/// What the first `have` bytes of a frame's head say about its payload.
fn payload(head: &[u8; 10], have: usize) -> Length {
    if have < 2 {
        return Length::Unknown;
    }
    match (head[1], have) {
        // A server does not mask (RFC 6455, 5.1).
        (0x80.., _) => Length::Wrong,
        (short @ 0..=125, _) => Length::Is(u64::from(short)),
        (126, 4) => Length::Is(u64::from(u16::from_be_bytes([head[2], head[3]]))),
        (127, 10) => {
            let [_, _, length @ ..] = head;
            let length = u64::from_be_bytes(*length);
            if length >> 63 == 0 { Length::Is(length) } else { Length::Wrong }
        }
        _ => Length::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            0..=125 => frame.push(length as u8),
            126..=65535 => {
                frame.push(126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        // Payload that looks like heads of close frames.
        frame.resize(frame.len() + length, 0x88);
        frame
    }

    fn after(bytes: &[u8]) -> Frames {
        let mut frames = Frames::new();
        frames.advance(RESPONSE);
        frames.advance(bytes);
        frames
    }

    #[test]
    fn the_response_is_no_frame() {
        let mut frames = Frames::new();
        for (n, byte) in RESPONSE.iter().enumerate() {
            assert!(!frames.is_between(), "{n}");
            frames.advance(&[*byte]);
        }
        assert!(frames.is_between() && !frames.closes());
        let mut frames = Frames::new();
        frames.advance(b"a\r\r\n\r\r\n\r");
        assert!(!frames.is_between());
        frames.advance(b"\n");
        assert!(frames.is_between());
    }

    #[test]
    fn all_lengths_have_their_end() {
        for length in [0, 1, 125, 126, 127, 65535, 65536, 70000] {
            let frame = frame(0x82, length);
            for cut in [1, 2, frame.len() - 1] {
                assert!(!after(&frame[..cut]).is_between(), "{length} {cut}");
            }
            assert!(after(&frame).is_between(), "{length}");
            let mut more = frame.clone();
            more.extend_from_slice(&super::tests::frame(0x81, 3));
            assert_eq!(after(&[]).until_between(&more), 0);
            assert_eq!(after(&more[..1]).until_between(&more[1..]), frame.len() - 1, "{length}");
        }
    }

    #[test]
    fn a_close_frame_is_the_last() {
        assert!(!after(&frame(0x82, 5)).closes());
        assert!(after(&[0x88]).closes());
        assert!(after(&frame(0x88, 2)).is_between());
    }

    #[test]
    fn what_no_server_sends_is_never_a_boundary() {
        let masked = [0x82, 0x80, 1, 2, 3, 4];
        let huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        for wrong in [&masked[..], &huge[..]] {
            let mut frames = after(wrong);
            frames.advance(&frame(0x81, 3));
            assert!(!frames.is_between());
            assert_eq!(frames.until_between(b"abc"), 3);
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(lengths in prop::collection::vec(0_usize..300, 1..8), cuts in prop::collection::vec(1_usize..50, 1..60)) {
            let mut stream = RESPONSE.to_vec();
            let mut boundaries = vec![stream.len()];
            for length in lengths {
                stream.extend_from_slice(&frame(0x81, length));
                boundaries.push(stream.len());
            }
            let mut frames = Frames::new();
            let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
            while at < stream.len() {
                prop_assert_eq!(frames.is_between(), boundaries.contains(&at));
                let next = boundaries.iter().find(|boundary| **boundary >= at).unwrap();
                prop_assert_eq!(frames.until_between(&stream[at..]), next - at);
                let end = stream.len().min(at + cuts.next().unwrap());
                frames.advance(&stream[at..end]);
                at = end;
            }
            prop_assert!(frames.is_between());
        }
    }
}
