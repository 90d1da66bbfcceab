//! Bytes of strangers as part of a line, so that nothing in them can end the line or a quoted value. Pure.

/// Appends `bytes` for a text line: a quote and a backslash get a backslash in front, and everything that is not
/// printable ASCII is written as `\xNN`, as nginx and Apache do. Gunicorn only treats the quote.
pub(super) fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => hex(out, byte),
        }
    }
}

/// The same for a value that stands outside quotes by custom: a space would move all later columns.
pub(super) fn word(out: &mut Vec<u8>, bytes: &[u8]) {
    for (n, part) in bytes.split(|byte| *byte == b' ').enumerate() {
        if n > 0 {
            hex(out, b' ');
        }
        text(out, part);
    }
}

/// Appends `bytes` as a JSON string with its quotes. What is no UTF-8 becomes U+FFFD; control characters, those of
/// Unicode's second block too, are escaped.
pub(super) fn json(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        for c in String::from_utf8_lossy(bytes).chars() {
            match c {
                '"' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}

/// Whether every byte stands for itself in both shapes: this is where the time of a line goes. Many bytes are looked at
/// together, without branches, which the compiler makes one comparison of; the few of a short value are looked up.
fn is_plain(bytes: &[u8]) -> bool {
    const STRIDE: usize = 16;
    let (chunks, rest) = bytes.as_chunks::<STRIDE>();
    let is_special = |found: bool, byte: &u8| found | is_special(*byte);
    !chunks.iter().any(|chunk| chunk.iter().fold(false, is_special))
        && rest.iter().all(|byte| !SPECIAL[usize::from(*byte)])
}

const fn is_special(byte: u8) -> bool {
    byte.wrapping_sub(b' ') > b'~' - b' ' || byte == b'"' || byte == b'\\'
}

const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < special.len() {
        special[byte] = is_special(byte as u8);
        byte += 1;
    }
    special
};

fn hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(escape: fn(&mut Vec<u8>, &[u8]), bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_harmless_stays_and_what_is_not_is_named() {
        assert_eq!(with(text, b"/a?b=c~ d"), "/a?b=c~ d");
        assert_eq!(with(text, b"a\"b\\c\nd\re\x1b[2Jf\x7f\0\xc3\xa4"), r#"a\"b\\c\x0ad\x0de\x1b[2Jf\x7f\x00\xc3\xa4"#);
        assert_eq!(with(word, b"ann b] \"x"), r#"ann\x20b]\x20\"x"#);
        assert_eq!(with(json, "a\"b\\\n\u{9b}ä\u{2028}".as_bytes()), r#""a\"b\\\u000a\u009bä\u2028""#);
        assert_eq!(with(json, b"\xff"), "\"\u{fffd}\"");
    }

    proptest! {
        #[test]
        fn a_text_value_ends_neither_its_quotes_nor_its_line(bytes in any::<Vec<u8>>()) {
            for escape in [text, word] {
                let line = with(escape, &bytes);
                prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                let mut rest = line.as_bytes();
                while let Some((first, tail)) = rest.split_first() {
                    prop_assert_ne!(*first, b'"', "a quote without a backslash");
                    rest = if *first == b'\\' { tail.get(1..).expect("a backslash escapes something") } else { tail };
                }
            }
            prop_assert!(!with(word, &bytes).contains(' '));
        }

        #[test]
        fn a_json_value_is_one_string(bytes in any::<Vec<u8>>()) {
            let line = with(json, &bytes);
            prop_assert!(!line.chars().any(char::is_control));
            let back: String = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(back, String::from_utf8_lossy(&bytes));
        }
    }
}
