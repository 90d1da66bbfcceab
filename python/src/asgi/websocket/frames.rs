//! From a client's bytes to messages, and from messages to frames.

use super::deflate::{self, Agreed, Bad};
use bytes::{Buf, Bytes, BytesMut};
use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    /// Without a code if it has sent none.
    Close(Option<u16>, String),
}

/// What a client did wrong: the code for its close frame, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) u16, pub(super) &'static str);

const PROTOCOL: fn(&'static str) -> Wrong = |reason| Wrong(1002, reason);
const TOO_LONG: Wrong = Wrong(1009, "the message is too long");
const NO_TEXT: Wrong = Wrong(1007, "the text is no UTF-8");

/// Takes frames apart and puts messages together.
pub(super) struct Parser {
    deflate: Option<Agreed>,
    /// The longest message.
    most: usize,
    header: Option<(FrameHeader, usize)>,
    /// The message so far, its kind, and whether it is compressed.
    message: Option<(Data, bool, Vec<u8>)>,
}

impl Parser {
    pub(super) fn new(deflate: Option<Agreed>, most: usize) -> Self {
        Self { deflate, most: if most == 0 { usize::MAX } else { most }, header: None, message: None }
    }

    /// The next thing that is said in `input`; none: more bytes are needed.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Heard>, Wrong> {
        loop {
            let (header, length) = match self.header.take() {
                Some(known) => known,
                None => match self.parse_header(input)? {
                    Some(found) => found,
                    None => return Ok(None),
                },
            };
            if input.len() < length {
                self.header = Some((header, length));
                return Ok(None);
            }
            let mut payload = input.split_to(length);
            let Some(mask) = header.mask else { return Err(PROTOCOL("a frame is not masked")) };
            unmask(&mut payload, mask);
            let heard = match header.opcode {
                OpCode::Control(control) => Some(hear_control(control, payload.freeze())?),
                OpCode::Data(data) => self.hear_data(&header, data, payload)?,
            };
            if heard.is_some() {
                return Ok(heard);
            }
        }
    }

    fn parse_header(&self, input: &mut BytesMut) -> Result<Option<(FrameHeader, usize)>, Wrong> {
        let mut cursor = Cursor::new(&input[..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| PROTOCOL("a frame's head is none"))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let begin = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        input.advance(begin.min(input.len()));
        let length = usize::try_from(length).map_err(|_| TOO_LONG)?;
        self.check(&header, length)?;
        Ok(Some((header, length)))
    }

    fn check(&self, header: &FrameHeader, length: usize) -> Result<(), Wrong> {
        let may_compress = self.deflate.is_some() && matches!(header.opcode, OpCode::Data(Data::Text | Data::Binary));
        if header.rsv2 || header.rsv3 || header.rsv1 && !may_compress {
            return Err(PROTOCOL("a reserved bit is set"));
        }
        let before = self.message.as_ref().map(|(_, _, bytes)| bytes.len());
        match header.opcode {
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => {
                Err(PROTOCOL("an unknown kind of frame"))
            }
            OpCode::Control(_) if !header.is_final || length > 125 => Err(PROTOCOL("a control frame is too long")),
            OpCode::Control(_) => Ok(()),
            OpCode::Data(Data::Continue) if before.is_none() => Err(PROTOCOL("there is nothing to continue")),
            OpCode::Data(Data::Text | Data::Binary) if before.is_some() => {
                Err(PROTOCOL("a message begins in the middle of another"))
            }
            OpCode::Data(_) if before.unwrap_or(0).saturating_add(length) > self.most => Err(TOO_LONG),
            OpCode::Data(_) => Ok(()),
        }
    }

    fn hear_data(&mut self, header: &FrameHeader, data: Data, payload: BytesMut) -> Result<Option<Heard>, Wrong> {
        let (kind, compressed, bytes) = match self.message.take() {
            None if header.is_final => (data, header.rsv1, payload.freeze()),
            None => {
                self.message = Some((data, header.rsv1, payload.to_vec()));
                return Ok(None);
            }
            Some((kind, compressed, mut bytes)) => {
                bytes.extend_from_slice(&payload);
                if !header.is_final {
                    self.message = Some((kind, compressed, bytes));
                    return Ok(None);
                }
                (kind, compressed, Bytes::from(bytes))
            }
        };
        let bytes = if compressed {
            Bytes::from(deflate::decompress(&bytes, self.most).map_err(|bad| match bad {
                Bad::TooLong => TOO_LONG,
                Bad::Broken => Wrong(1007, "the message cannot be decompressed"),
            })?)
        } else {
            bytes
        };
        if kind == Data::Text {
            let text = String::from_utf8(bytes.into()).map_err(|_| NO_TEXT)?;
            return Ok(Some(Heard::Text(text)));
        }
        Ok(Some(Heard::Binary(bytes)))
    }
}

fn hear_control(control: Control, mut payload: Bytes) -> Result<Heard, Wrong> {
    Ok(match control {
        Control::Ping => Heard::Ping(payload),
        Control::Pong => Heard::Pong(payload),
        _ if payload.is_empty() => Heard::Close(None, String::new()),
        _ if payload.len() < 2 => return Err(PROTOCOL("a close frame has half a code")),
        _ => {
            let code = payload.get_u16();
            if !may_be_sent(code) {
                return Err(PROTOCOL("a close frame has a code that must not be sent"));
            }
            let reason = std::str::from_utf8(&payload).map_err(|_| NO_TEXT)?;
            Heard::Close(Some(code), reason.to_owned())
        }
    })
}

/// Whether a close frame may have this code (RFC 6455, 7.4).
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Writes a frame.
pub(super) fn write(out: &mut Vec<u8>, opcode: OpCode, compressed: bool, payload: &[u8]) {
    let header = FrameHeader { is_final: true, rsv1: compressed, opcode, ..FrameHeader::default() };
    // Writing to a Vec cannot fail.
    let _ = header.format(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Writes a message.
pub(super) fn write_message(out: &mut Vec<u8>, kind: Data, deflate: Option<Agreed>, payload: &[u8]) {
    match deflate.and_then(|agreed| deflate::compress(agreed, payload)) {
        Some(smaller) => write(out, OpCode::Data(kind), true, &smaller),
        None => write(out, OpCode::Data(kind), false, payload),
    }
}

/// Writes a close frame; without a code it has none.
pub(super) fn write_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let mut payload = code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default();
    if code.is_some() {
        let mut end = reason.len().min(123);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        payload.extend_from_slice(&reason.as_bytes()[..end]);
    }
    write(out, OpCode::Control(Control::Close), false, &payload);
}
