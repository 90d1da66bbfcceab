//! The notations of values.

use super::super::parse;
use super::*;

#[test]
fn seconds() {
    for (text, millis) in [("30", 30_000), ("0.25", 250), (".5", 500), ("2.", 2000), (" 1 ", 1000), ("0", 0)] {
        assert_eq!(parse::seconds(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "-1", "1e3", "inf", "nan", "30s", "1.2.3", ".", "1000000001", "99999999999999999999999"] {
        assert_eq!(parse::seconds(text), None, "{text}");
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [("0", 0), ("1", 1), ("1k", 1024), ("512M", 512 << 20), ("2G", 2 << 30)] {
        assert_eq!(parse::size(text), Some(bytes), "{text}");
    }
    for text in ["", "M", "-1", "1.5G", "1T", "1MB", "9223372036854775807K", "18446744073709551615"] {
        assert_eq!(parse::size(text), None, "{text}");
    }
}

#[test]
fn modes() {
    for (text, mode) in [("0", 0), ("022", 0o22), ("0o22", 0o22), ("0x12", 0o22), ("18", 0o22), ("0b10010", 0o22)] {
        assert_eq!(parse::mode(text), Some(mode), "{text}");
    }
    for text in ["", "-1", "0o1000", "777", "0x", "0o", "089", "0x+1", "rw", "0ö"] {
        assert_eq!(parse::mode(text), None, "{text}");
    }
}
