//! What of a message may stay in memory for longer than the message: of most fields nothing is known, and they may be
//! secrets.

use http::HeaderName;
use std::hash::{BuildHasher, RandomState};

/// What is longer than this does not stay.
const LONGEST: usize = 128;

/// Whether a field's value may stay: it is of a field that says how to talk, not what about or who talks.
#[must_use]
pub fn may_stay(name: &HeaderName, value: &[u8]) -> bool {
    value.len() <= LONGEST && is_harmless(name.as_str())
}

fn is_harmless(name: &str) -> bool {
    matches!(
        name,
        "accept"
            | "accept-charset"
            | "accept-encoding"
            | "accept-language"
            | "accept-ranges"
            | "allow"
            | "cache-control"
            | "connection"
            | "content-encoding"
            | "content-language"
            | "content-length"
            | "content-type"
            | "date"
            | "dnt"
            | "expires"
            | "host"
            | "keep-alive"
            | "origin"
            | "pragma"
            | "priority"
            | "referrer-policy"
            | "server"
            | "strict-transport-security"
            | "te"
            | "upgrade-insecure-requests"
            | "user-agent"
            | "vary"
            | "via"
            | "x-content-type-options"
            | "x-forwarded-host"
            | "x-forwarded-port"
            | "x-forwarded-proto"
            | "x-frame-options"
            | "x-powered-by"
            | "x-requested-with"
    ) || ["sec-fetch-", "sec-ch-", "access-control-", "cross-origin-"].iter().any(|family| name.starts_with(family))
}

/// What has come before, as far as can be told without keeping it: what comes once, as the link in a letter, is not worth
/// to be kept, and may be a secret.
#[derive(Debug)]
pub struct Sightings {
    hasher: RandomState,
    /// One for each remainder of a hash, and then they take turns.
    last: [u64; 16],
}

impl Default for Sightings {
    fn default() -> Self {
        Self { hasher: RandomState::new(), last: [0; 16] }
    }
}

impl Sightings {
    /// Whether this has been asked of the same bytes lately.
    pub fn again(&mut self, bytes: &[u8]) -> bool {
        let hash = self.hasher.hash_one(bytes);
        let place = usize::try_from(hash % 16).unwrap_or(0);
        std::mem::replace(&mut self.last[place], hash) == hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_harmless_does_not_stay() {
        let stays = |name: &'static str| may_stay(&HeaderName::from_static(name), b"x");
        assert!(["host", "user-agent", "content-type", "sec-fetch-mode"].into_iter().all(stays));
        for name in
            ["cookie", "set-cookie", "authorization", "x-api-key", "location", "referer", "x-forwarded-for", "x"]
        {
            assert!(!stays(name), "{name}");
        }
        assert!(!may_stay(&http::header::HOST, &[b'a'; LONGEST + 1]));
    }

    #[test]
    fn what_comes_again_is_known_and_what_is_new_is_not() {
        let mut seen = Sightings::default();
        assert!(!seen.again(b"a"));
        assert!(seen.again(b"a"));
        assert!((0..100u32).all(|number| !seen.again(&number.to_ne_bytes())));
        assert!(!seen.again(b""));
    }
}
