//! Which headers are looked at.

use crate::types::ProxyHeaders;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

/// The client's address and those of the proxies on the way, by commas.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The host that the client asked for.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A name or a value that no header can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} can be no header's {part}")]
pub struct BadName {
    /// As it was written.
    pub text: String,
    /// Name or value.
    pub part: &'static str,
}

/// Holds a name and a value of `secure_scheme_headers` against what a request can have.
///
/// # Errors
///
/// Whichever of them no request can have.
pub fn check_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BadName> {
    let bad = |text: &str, part| BadName { text: text.to_owned(), part };
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name, "name"))?;
    Ok((header, HeaderValue::from_str(value).map_err(|_| bad(value, "value"))?))
}

/// The headers to look at, and what says that a client came over TLS.
#[derive(Clone, Debug)]
pub struct Names {
    all: Vec<HeaderName>,
    /// One bit for each first letter of a name, which tells most headers of a request apart at once.
    letters: u32,
    secure: Vec<(HeaderName, HeaderValue)>,
}

impl Names {
    pub fn new<'a>(which: ProxyHeaders, secure: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, BadName> {
        let secure: Vec<_> =
            secure.into_iter().map(|(name, value)| check_header(name, value)).collect::<Result<_, _>>()?;
        let mut all = Vec::new();
        if matches!(which, ProxyHeaders::XForwarded | ProxyHeaders::Any) {
            all.extend([X_FORWARDED_FOR, X_FORWARDED_HOST]);
            all.extend(secure.iter().map(|(name, _)| name.clone()));
        }
        if matches!(which, ProxyHeaders::Forwarded | ProxyHeaders::Any) {
            all.push(FORWARDED);
        }
        let letters = all.iter().map(letter).fold(0, |sum, bit| sum | bit);
        Ok(Self { all, letters, secure })
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a request has any of them. One pass over its names is cheaper than looking each of ours up.
    #[inline]
    pub fn any_in(&self, headers: &HeaderMap) -> bool {
        headers.keys().any(|name| self.letters & letter(name) != 0 && self.all.contains(name))
    }

    /// The headers that tell the scheme, each with the value that means TLS.
    pub fn secure(&self) -> &[(HeaderName, HeaderValue)] {
        &self.secure
    }
}

/// The bit of the first letter. Names are in lower case; what is no letter shares a bit with one, which costs a
/// comparison and no more.
#[inline]
fn letter(name: &HeaderName) -> u32 {
    1 << (name.as_str().as_bytes().first().copied().unwrap_or_default() & 31)
}
