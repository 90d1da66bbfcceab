//! Parsers from text to plain values. They say whether, never why: the sentence is [`super::Kind`]'s.

use std::time::Duration;

/// The longest span an option takes: about thirty years, far from every overflow.
pub const MAX_SECONDS: u32 = 1_000_000_000;

/// What may follow a number of bytes, smallest first.
pub const SIZE_SUFFIXES: [(char, u64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];

/// The widest permission mask.
pub const MAX_MODE: u32 = 0o777;

/// On or off, in the words of shells, YAML and TOML.
pub fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "y" | "t" => Some(true),
        "false" | "0" | "no" | "off" | "n" | "f" => Some(false),
        _ => None,
    }
}

/// Seconds as `30`, `0.25` or `.5`; no sign, no exponent, no unit.
pub fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let points = text.chars().filter(|c| *c == '.').count();
    if digits == 0 || points > 1 || digits + points != text.chars().count() {
        return None;
    }
    seconds_from(text.parse().ok()?)
}

/// Seconds from a number, refused when negative, not a number or beyond [`MAX_SECONDS`].
pub fn seconds_from(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|span| *span <= Duration::from_secs(MAX_SECONDS.into()))
}

/// Bytes as `1048576`, `512M` or `2g`.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let found = SIZE_SUFFIXES.iter().find_map(|(suffix, unit)| {
        let number = text.strip_suffix([*suffix, suffix.to_ascii_lowercase()])?;
        Some((number, *unit))
    });
    let (number, unit) = found.unwrap_or((text, 1));
    size_from(digits(number)?.checked_mul(unit)?)
}

/// Bytes from a number. TOML knows no integer beyond `i64`, so neither do we.
pub fn size_from(bytes: u64) -> Option<u64> {
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// A mode as Gunicorn reads it: octal after `0` or `0o`, hexadecimal after `0x`, otherwise decimal.
pub fn mode(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let (number, radix) = match text.strip_prefix('0') {
        None | Some("") => (text.as_str(), 10),
        Some(rest) => match rest.split_at_checked(1) {
            Some(("x", number)) => (number, 16),
            Some(("b", number)) => (number, 2),
            Some(("o", number)) => (number, 8),
            _ => (rest, 8),
        },
    };
    if !number.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    mode_from(u64::from_str_radix(number, radix).ok()?)
}

/// A mode from a number.
pub fn mode_from(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|mode| *mode <= MAX_MODE)
}

/// A number of ASCII digits only.
pub fn digits(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
