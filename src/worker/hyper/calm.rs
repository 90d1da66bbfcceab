//! The last word to a client of HTTP/2 that does nothing but harm: GOAWAY with ENHANCE_YOUR_CALM (RFC 9113, 10.5).
//!
//! hyper cannot be told to send one, so it goes past it into the socket, which is possible only between two frames.

/// GOAWAY on the connection's own stream. Whatever was asked may have been heard: nothing is said to be safe to repeat.
pub(super) const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 11];

/// Length, kind, flags and stream.
const HEAD: u8 = 9;

/// Follows the frames that are sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Boundary {
    /// Bytes of a frame's head that were sent; none: it is between two frames, or in the payload of one.
    head: u8,
    /// Bytes of the payload that are still to come, as far as the head tells by now.
    left: u32,
}

impl Boundary {
    /// Whether no frame is sent in part.
    pub(super) fn is_between(self) -> bool {
        self.head == 0 && self.left == 0
    }

    /// These bytes were sent.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.head == 0 && self.left > 0 {
                let skipped = bytes.len().min(self.left as usize);
                // No more than what was left.
                self.left -= skipped as u32;
                bytes = &bytes[skipped..];
                continue;
            }
            if self.head < 3 {
                self.left = self.left << 8 | u32::from(first);
            }
            self.head = (self.head + 1) % HEAD;
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let size = (length as u32).to_be_bytes();
        let mut frame = vec![size[1], size[2], size[3], 0, 1, 0, 0, 0, 1];
        frame.resize(9 + length, 0xff);
        frame
    }

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        let frames = [frame(0), frame(1), frame(70_000), GOAWAY.to_vec()];
        let mut ends: Vec<usize> = Vec::new();
        for frame in &frames {
            ends.push(ends.last().unwrap_or(&0) + frame.len());
        }
        let all = frames.concat();
        for step in [1, 2, 7, 9, 10, 1000, 100_000] {
            let (mut boundary, mut sent) = (Boundary::default(), 0);
            for piece in all.chunks(step) {
                boundary.advance(piece);
                sent += piece.len();
                assert_eq!(boundary.is_between(), ends.contains(&sent), "{step} {sent}");
            }
        }
    }
}
