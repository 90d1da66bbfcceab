//! The chunked coding of a request's body (RFC 9112, 7.1), decoded as it arrives.
//!
//! Strict, since leniency here is how requests are smuggled: every line ends with CR LF, a size is hexadecimal digits and
//! nothing else, and extensions are bounded for one chunk and for all of them together.

use super::refusal::Refusal;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The most bytes of a line with a chunk's size.
const LINE: usize = 256;
/// The most bytes that extensions may add to one body.
const EXTENSIONS: usize = 8 << 10;
/// The most bytes of the trailer, and fields in it.
const TRAILER: usize = 8 << 10;
const TRAILER_FIELDS: usize = 64;

/// Where a decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The line with the next chunk's size.
    Size,
    /// So many bytes of a chunk are to come.
    Data(u64),
    /// CR LF after a chunk.
    End,
    Trailer,
    Done,
}

/// Decodes one body.
#[derive(Debug)]
pub(super) struct Decoder {
    at: At,
    extensions: usize,
}

/// What came out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Bytes of the body.
    Data(Bytes),
    /// The body is complete.
    End(Option<HeaderMap>),
    /// More bytes are needed.
    NeedMore,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { at: At::Size, extensions: 0 }
    }

    /// Whether all of the body has been decoded.
    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Takes from the front of `bytes` what it can.
    pub(super) fn decode(&mut self, bytes: &mut BytesMut) -> Result<Decoded, Refusal> {
        loop {
            match self.at {
                At::Size => match line(bytes, LINE)? {
                    None => return Ok(Decoded::NeedMore),
                    Some(text) => {
                        let size = self.size(&text)?;
                        self.at = if size == 0 { At::Trailer } else { At::Data(size) };
                    }
                },
                At::Data(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    if here == 0 {
                        return Ok(Decoded::NeedMore);
                    }
                    let left = left - here as u64;
                    self.at = if left == 0 { At::End } else { At::Data(left) };
                    return Ok(Decoded::Data(bytes.split_to(here).freeze()));
                }
                At::End => match bytes.as_ref() {
                    [b'\r', b'\n', ..] => {
                        bytes.advance(2);
                        self.at = At::Size;
                    }
                    [] | [b'\r'] => return Ok(Decoded::NeedMore),
                    _ => return Err(Refusal::CHUNK),
                },
                At::Trailer => {
                    let Some(length) = trailer_length(bytes)? else { return Ok(Decoded::NeedMore) };
                    let trailers = trailers(&bytes.split_to(length).freeze())?;
                    self.at = At::Done;
                    return Ok(Decoded::End(trailers));
                }
                At::Done => return Ok(Decoded::End(None)),
            }
        }
    }

    fn size(&mut self, line: &[u8]) -> Result<u64, Refusal> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, rest) = line.split_at(digits);
        // White space may stand before an extension (RFC 9112, 7.1.1: BWS), and nowhere else.
        let extension = rest.trim_ascii_start();
        let fits = rest.is_empty() || extension.first() == Some(&b';');
        if !fits
            || size.is_empty()
            || size.len() > 16
            || rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
        {
            return Err(Refusal::CHUNK);
        }
        self.extensions += rest.len();
        if self.extensions > EXTENSIONS {
            return Err(Refusal::CHUNK);
        }
        let text = std::str::from_utf8(size).map_err(|_| Refusal::CHUNK)?;
        u64::from_str_radix(text, 16).map_err(|_| Refusal::CHUNK)
    }
}

/// The next line, without its end, if it is complete.
fn line(bytes: &mut BytesMut, most: usize) -> Result<Option<Bytes>, Refusal> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(most)]) {
        Some(end) if end > 0 && bytes[end - 1] == b'\r' => {
            let mut line = bytes.split_to(end + 1).freeze();
            line.truncate(end - 1);
            Ok(Some(line))
        }
        None if bytes.len() < most => Ok(None),
        _ => Err(Refusal::CHUNK),
    }
}

/// The length of the trailer section with its empty line, if that is complete.
fn trailer_length(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        if end == begin || bytes[end - 1] != b'\r' {
            return Err(Refusal::CHUNK);
        }
        if end >= TRAILER {
            return Err(Refusal::TRAILERS);
        }
        if end - 1 == begin {
            return Ok(Some(end + 1));
        }
        begin = end + 1;
    }
    if bytes.len() > TRAILER { Err(Refusal::TRAILERS) } else { Ok(None) }
}

fn trailers(section: &Bytes) -> Result<Option<HeaderMap>, Refusal> {
    if section.len() == 2 {
        return Ok(None);
    }
    let mut space = [httparse::EMPTY_HEADER; TRAILER_FIELDS];
    let fields = match httparse::parse_headers(section, &mut space) {
        Ok(httparse::Status::Complete((_, fields))) => fields,
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TRAILERS),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Refusal::CHUNK),
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Refusal::NAME)?;
        trailers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Refusal::VALUE)?);
    }
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The body and the trailer; None: it is not complete.
    type Whole = Result<Option<(Vec<u8>, Option<HeaderMap>)>, Refusal>;

    fn decoded(pieces: &[&[u8]]) -> Whole {
        let mut decoder = Decoder::new();
        let mut body = Vec::new();
        let mut bytes = BytesMut::new();
        for piece in pieces {
            bytes.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut bytes)? {
                    Decoded::Data(data) => body.extend_from_slice(&data),
                    Decoded::End(trailers) => return Ok(Some((body, trailers))),
                    Decoded::NeedMore => break,
                }
            }
        }
        Ok(None)
    }

    fn whole(text: &str) -> Whole {
        decoded(&[text.as_bytes()])
    }

    #[test]
    fn bodies_and_trailers() {
        assert_eq!(whole("0\r\n\r\n"), Ok(Some((vec![], None))));
        assert_eq!(
            whole("5\r\nhello\r\n00a;x=\"y\"\r\n0123456789\r\n0 ;z\r\n\r\n"),
            Ok(Some((b"hello0123456789".to_vec(), None)))
        );
        let (body, trailers) = whole("1\r\na\r\n0\r\nSum: 7\r\n\r\n").unwrap().unwrap();
        assert_eq!((body, trailers.unwrap()["sum"].as_bytes()), (b"a".to_vec(), &b"7"[..]));
        assert_eq!(whole("5\r\nhel"), Ok(None));
    }

    #[test]
    fn malformed_ones_are_refused() {
        for text in [
            "\r\n",
            ";x\r\n",
            "g\r\n",
            "-1\r\n",
            "0x1\r\n",
            "1 \r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "11111111111111111\r\n",
            "0\r\n\n",
            "0\r\na: 1\n\r\n",
            "0\r\na : 1\r\n\r\n",
            " 1\r\n",
            "1;\u{0}\r\n",
            "1\t\r\n",
        ] {
            assert!(whole(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nobody_sends_extensions_or_trailers_without_end() {
        let long = format!("1;{}", "x".repeat(LINE));
        assert_eq!(whole(&long), Err(Refusal::CHUNK));
        let many = "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n".repeat(200);
        assert_eq!(whole(&many), Err(Refusal::CHUNK));
        let trailer = format!("0\r\n{}", "a: 1\r\n".repeat(TRAILER));
        assert_eq!(whole(&trailer), Err(Refusal::TRAILERS));
    }

    proptest! {
        #[test]
        fn any_division_gives_the_same(text in "[05a;\r\n:]{0,30}", cut in 0usize..30) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            prop_assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]]), whole(&text));
        }

        #[test]
        fn what_was_encoded_is_decoded(chunks in proptest::collection::vec("[a-z]{1,20}", 0..6)) {
            let mut text = String::new();
            for chunk in &chunks {
                text.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
            }
            text.push_str("0\r\n\r\n");
            prop_assert_eq!(whole(&text), Ok(Some((chunks.concat().into_bytes(), None))));
        }
    }
}
