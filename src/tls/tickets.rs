//! Session tickets (RFC 8446 section 4.6.1, RFC 5077) that every worker of an arbiter can open.
//!
//! rustls' own tickets are sealed with a key of the process that made them: a client that comes back to another worker
//! would always begin anew. Here the arbiter makes the keys, and rolls them; the workers find them in the vault.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const NAME_LEN: usize = 16;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    /// Public: it stands in the ticket and says which key opens it.
    name: [u8; NAME_LEN],
    secret: [u8; 32],
}

impl Key {
    fn new() -> Result<Self, Unspecified> {
        let (random, mut key) = (SystemRandom::new(), Self { name: [0; NAME_LEN], secret: [0; 32] });
        random.fill(&mut key.name)?;
        random.fill(&mut key.secret)?;
        Ok(key)
    }
}

/// The key that makes tickets, and the one that made them before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketKeys {
    current: Key,
    previous: Option<Key>,
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys(..)")
    }
}

impl TicketKeys {
    /// How long a key makes tickets. As long again it opens them.
    pub const ROLL_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

    /// A fresh key: no ticket that was ever made is opened.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn fresh() -> std::io::Result<Self> {
        let current = Key::new().map_err(|_| std::io::Error::other("the system has no random numbers"))?;
        Ok(Self { current, previous: None })
    }

    /// A fresh key; tickets of the one before are still opened.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn rolled(&self) -> std::io::Result<Self> {
        Ok(Self { previous: Some(self.current.clone()), ..Self::fresh()? })
    }
}

/// Makes and opens tickets: the key's name, a nonce, the sealed session.
pub(super) struct Ticketer {
    current: Opened,
    previous: Option<Opened>,
    random: SystemRandom,
}

struct Opened {
    name: [u8; NAME_LEN],
    key: LessSafeKey,
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticketer(..)")
    }
}

impl Ticketer {
    pub(super) fn new(keys: &TicketKeys) -> Result<Self, Unspecified> {
        let open = |key: &Key| {
            let unbound = UnboundKey::new(&CHACHA20_POLY1305, &key.secret)?;
            Ok::<_, Unspecified>(Opened { name: key.name, key: LessSafeKey::new(unbound) })
        };
        let previous = keys.previous.as_ref().map(open).transpose()?;
        Ok(Self { current: open(&keys.current)?, previous, random: SystemRandom::new() })
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(TicketKeys::ROLL_EVERY.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        // Random nonces are safe for far more tickets than can be made before the key is rolled.
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let Opened { name, key } = &self.current;
        let mut sealed = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed).ok()?;
        Some([&name[..], &nonce[..], &sealed[..]].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(NAME_LEN)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        // The name is no secret, so comparing it may take as long as it takes.
        let opened =
            [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.name == name)?;
        let mut plain = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = opened.key.open_in_place(nonce, Aad::from(name), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticketer(keys: &TicketKeys) -> Ticketer {
        Ticketer::new(keys).unwrap()
    }

    #[test]
    fn another_worker_opens_it_until_the_key_was_rolled_twice() {
        let keys = TicketKeys::fresh().unwrap();
        let ticket = ticketer(&keys).encrypt(b"session").unwrap();
        assert_eq!(ticketer(&keys).decrypt(&ticket).unwrap(), b"session");
        let rolled = keys.rolled().unwrap();
        assert_eq!(ticketer(&rolled).decrypt(&ticket).unwrap(), b"session");
        assert_ne!(ticketer(&rolled).encrypt(b"session").unwrap()[..NAME_LEN], ticket[..NAME_LEN]);
        assert_eq!(ticketer(&rolled.rolled().unwrap()).decrypt(&ticket), None);
        assert_eq!(ticketer(&TicketKeys::fresh().unwrap()).decrypt(&ticket), None);
    }

    #[test]
    fn no_changed_ticket_is_opened_and_none_is_like_another() {
        let keys = TicketKeys::fresh().unwrap();
        let ticketer = ticketer(&keys);
        let ticket = ticketer.encrypt(b"session").unwrap();
        assert_ne!(ticketer.encrypt(b"session").unwrap(), ticket);
        for index in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[index] ^= 1;
            assert_eq!(ticketer.decrypt(&changed), None, "byte {index}");
            assert_eq!(ticketer.decrypt(&ticket[..index]), None, "{index} bytes");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = TicketKeys::fresh().unwrap();
        assert_eq!(format!("{keys:?} {:?}", ticketer(&keys)), "TicketKeys(..) Ticketer(..)");
    }
}
