//! The first untrusted address from the right.

use super::super::Trusted;
use super::node::Client;

/// Takes the entries of a list from left to right and keeps what a walk from the right would find, so that a list that
/// can only be read forwards needs no room.
///
/// The walk passes trusted proxies and stops at the first entry that is none: an address is the client's; what is no
/// address leaves the proxy that wrote it as the last that is known. `T` is what else an entry says; it counts where the
/// walk stops, since a trusted proxy wrote that entry about whom it spoke with.
pub struct Walk<'a, T> {
    trusted: &'a Trusted,
    client: Option<Client>,
    facts: Option<T>,
}

impl<'a, T> Walk<'a, T> {
    pub fn new(trusted: &'a Trusted) -> Self {
        Self { trusted, client: None, facts: None }
    }

    /// The next entry to the right; `None`: no address.
    pub fn step(&mut self, client: Option<Client>, facts: T) {
        match client {
            // One hop more of the trusted right end, if it stays that.
            Some(client) if self.trusted.contains(&client.ip) => {
                self.client.get_or_insert(client);
                self.facts.get_or_insert(facts);
            }
            stop => {
                self.client = stop;
                self.facts = Some(facts);
            }
        }
    }

    pub fn end(self) -> (Option<Client>, Option<T>) {
        (self.client, self.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    /// The definition: from the right, as RFC 7239 and the others tell it.
    fn from_the_right(entries: &[Option<Client>], trusted: &Trusted) -> (Option<Client>, Option<usize>) {
        let mut last = (None, None);
        for (index, entry) in entries.iter().enumerate().rev() {
            match entry {
                None => return (last.0, Some(index)),
                Some(client) => last = (Some(*client), Some(index)),
            }
            if entry.is_some_and(|client| !trusted.contains(&client.ip)) {
                break;
            }
        }
        last
    }

    fn entry() -> impl Strategy<Value = Option<Client>> {
        let ip = |ip: [u8; 4]| Some(Client { ip: IpAddr::from(ip), port: None });
        prop_oneof![
            1 => Just(None),
            3 => any::<u8>().prop_map(move |last| ip([10, 0, 0, last])),
            2 => any::<u8>().prop_map(move |last| ip([192, 0, 2, last])),
        ]
    }

    proptest! {
        #[test]
        fn forwards_finds_what_backwards_finds(entries in proptest::collection::vec(entry(), 0..8)) {
            let trusted = Trusted::parse(["10.0.0.0/8"]).expect("a list");
            let mut walk = Walk::new(&trusted);
            for (index, entry) in entries.iter().enumerate() {
                walk.step(*entry, index);
            }
            prop_assert_eq!(walk.end(), from_the_right(&entries, &trusted));
        }
    }
}
