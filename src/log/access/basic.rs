//! The user's name in an `Authorization: Basic` header (RFC 7617), for the atom `u`. Pure.
//!
//! Nothing is checked but that it can be read: the password goes nowhere, and whether it was right is the
//! application's business.

/// The name, as bytes; none if the header is something else.
pub(super) fn user(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = header.split_at_checked("basic".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic") || credentials.first() != Some(&b' ') {
        return None;
    }
    let mut decoded = decode(credentials.trim_ascii())?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    decoded.truncate(colon);
    Some(decoded)
}

/// Base64 (RFC 4648, section 4) with or without padding.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    // One digit alone says nothing.
    (count != 6).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_before_the_colon() {
        // RFC 7617, section 2.
        assert_eq!(user(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap(), b"Aladdin");
        assert_eq!(user(b"bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ ").unwrap(), b"Aladdin");
        assert_eq!(user(b"Basic OnNlY3JldA==").unwrap(), b"");
    }

    #[test]
    fn everything_else_is_nobody() {
        for header in ["", "Basic", "Basic ", "BasicQWxhZGRpbjpv", "Basic QQ==", "Basic Q", "Basic a!b", "Bearer YTpi"]
        {
            assert_eq!(user(header.as_bytes()), None, "{header}");
        }
    }
}
