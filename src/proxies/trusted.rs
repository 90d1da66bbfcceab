//! A list of trusted addresses.

use super::Peer;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};

/// The word for everybody.
const EVERYBODY: &str = "*";

/// Who is trusted: addresses, networks, or everybody. An IPv4 address that a socket of both families shows as
/// `::ffff:10.0.0.1` is the IPv4 address `10.0.0.1`, in the list and in a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    everybody: bool,
    /// Network and mask, so that a question costs one `&` and one `==` for each.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

/// An entry that is no address, no network and not `*`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} {why}")]
pub struct BadEntry {
    /// As it was written.
    pub entry: String,
    /// The sentence that begins with the entry.
    pub why: String,
}

/// The entries of a comma-separated text, without white space and empty ones.
pub fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

impl Trusted {
    /// Reads a list whose elements may hold several entries with commas between. An empty list trusts nobody (but Unix
    /// sockets).
    ///
    /// # Errors
    ///
    /// The first entry that is none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, BadEntry> {
        let mut trusted = Self::default();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for entry in texts.into_iter().flat_map(entries) {
            if entry == EVERYBODY {
                trusted.everybody = true;
                continue;
            }
            match network(entry).map_err(|why| BadEntry { entry: entry.to_owned(), why })? {
                IpNet::V4(net) => v4.push(net),
                IpNet::V6(net) => v6.push(net),
            }
        }
        let bits4 = |net: Ipv4Net| (u32::from(net.network()), u32::from(net.netmask()));
        let bits6 = |net: Ipv6Net| (u128::from(net.network()), u128::from(net.netmask()));
        trusted.v4 = Ipv4Net::aggregate(&v4).into_iter().map(bits4).collect();
        trusted.v6 = Ipv6Net::aggregate(&v6).into_iter().map(bits6).collect();
        Ok(trusted)
    }

    /// Whether this address is trusted. Costs a few nanoseconds for a short list.
    #[must_use]
    #[inline]
    pub fn contains(&self, ip: &IpAddr) -> bool {
        if self.everybody {
            return true;
        }
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let bits = u32::from(ip);
                self.v4.iter().any(|(net, mask)| bits & mask == *net)
            }
            IpAddr::V6(ip) => {
                let bits = u128::from(ip);
                self.v6.iter().any(|(net, mask)| bits & mask == *net)
            }
        }
    }

    /// Whether this peer is trusted.
    #[must_use]
    #[inline]
    pub fn believes(&self, peer: Peer) -> bool {
        match peer {
            Peer::Ip(ip) => self.contains(&ip),
            Peer::Unix => true,
            Peer::Hidden => self.everybody,
        }
    }
}

/// The network that an entry means, an address being the smallest one; or what is wrong with the entry.
fn network(entry: &str) -> Result<IpNet, String> {
    let Some((address, _)) = entry.split_once('/') else {
        let ip: IpAddr = entry.parse().map_err(|_| {
            "is no address; write an IP address, a network as in 10.0.0.0/8, or * for everybody".to_owned()
        })?;
        return Ok(IpNet::from(ip.to_canonical()));
    };
    let net: IpNet =
        entry.parse().map_err(|_| "is no network; write one as in 10.0.0.0/8 or 2001:db8::/32".to_owned())?;
    if net.addr() != net.network() {
        return Err(format!("is an address inside a network; write {} or {address}", net.trunc()));
    }
    Ok(unmapped(net))
}

/// A network within `::ffff:0:0/96` is one of IPv4 addresses.
fn unmapped(net: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    let IpNet::V6(v6) = net else { return net };
    let mapped = Ipv6Addr::to_ipv4_mapped(&v6.network());
    let v4 = mapped.zip(v6.prefix_len().checked_sub(MAPPED)).and_then(|(ip, prefix)| Ipv4Net::new(ip, prefix).ok());
    v4.map_or(net, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trusted(texts: &[&str]) -> Trusted {
        Trusted::parse(texts.iter().copied()).expect("a list")
    }

    fn holds(list: &Trusted, ip: &str) -> bool {
        list.contains(&ip.parse().expect("an address"))
    }

    #[test]
    fn addresses_and_networks_are_found() {
        let list = trusted(&["127.0.0.1, ::1", "10.0.0.0/8,192.168.1.0/24", "2001:db8::/32"]);
        for ip in ["127.0.0.1", "::1", "10.255.1.2", "192.168.1.255", "2001:db8:ffff::1", "::ffff:10.1.1.1"] {
            assert!(holds(&list, ip), "{ip}");
        }
        for ip in ["127.0.0.2", "::2", "11.0.0.0", "192.168.2.0", "2001:db9::", "::ffff:11.0.0.1", "::10.0.0.1"] {
            assert!(!holds(&list, ip), "{ip}");
        }
    }

    #[test]
    fn mapped_entries_are_ipv4_and_plain_ones_of_ipv6_are_not() {
        let list = trusted(&["::ffff:10.0.0.1", "::ffff:192.168.0.0/112"]);
        assert!(holds(&list, "10.0.0.1") && holds(&list, "192.168.7.7") && !holds(&list, "192.169.0.0"));
        // Whoever trusts all of IPv6 has not trusted IPv4, which a socket of both families shows inside it.
        assert!(!holds(&trusted(&["::/0"]), "::ffff:10.0.0.1"));
        assert!(holds(&trusted(&["0.0.0.0/0"]), "::ffff:10.0.0.1"));
    }

    #[test]
    fn unix_is_always_believed_and_the_hidden_only_with_everybody() {
        for (texts, unix, ip, hidden) in
            [(&[][..], true, false, false), (&["*"], true, true, true), (&["::/0"], true, true, false)]
        {
            let list = trusted(texts);
            let peer = Peer::Ip("2001:db8::1".parse().expect("an address"));
            assert_eq!(
                (list.believes(Peer::Unix), list.believes(peer), list.believes(Peer::Hidden)),
                (unix, ip, hidden)
            );
        }
        assert!(trusted(&["*", "10.0.0.1"]).contains(&IpAddr::from([8, 8, 8, 8])));
    }

    #[test]
    fn wrong_entries_are_named_and_corrected() {
        for (text, part) in [
            ("10.0.0.1, localhost", "\"localhost\" is no address"),
            ("10.0.0.300", "\"10.0.0.300\" is no address"),
            ("010.0.0.1", "\"010.0.0.1\" is no address"),
            ("10.0.0.0/33", "\"10.0.0.0/33\" is no network"),
            ("::/129", "\"::/129\" is no network"),
            ("10.0.0.1/8", "write 10.0.0.0/8 or 10.0.0.1"),
            ("fe80::1%eth0", "is no address"),
        ] {
            let error = Trusted::parse([text]).expect_err(text).to_string();
            assert!(error.contains(part) && error.lines().count() == 1, "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Trusted::parse([text.as_str()]);
        }

        /// The masks against the definition.
        #[test]
        fn a_network_holds_what_shares_its_prefix(net: u32, prefix in 0_u8..=32, ip: u32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            let list = trusted(&[&format!("{}/{prefix}", std::net::Ipv4Addr::from(net & mask))]);
            prop_assert_eq!(list.contains(&IpAddr::V4(ip.into())), ip & mask == net & mask);
            prop_assert!(list.contains(&IpAddr::V4(net.into())));
        }
    }
}
