//! Which certificate a client gets: the one for the name that it asks for (SNI, RFC 6066 section 3).

use super::identity::Identity;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// Certificates by name.
#[derive(Debug)]
pub struct Resolver {
    /// In the order of the settings.
    all: Vec<Arc<CertifiedKey>>,
    /// Places in `all` of those that are for this name; a wildcard without its star, as `.example.org`.
    by_name: HashMap<String, Vec<usize>>,
}

impl Resolver {
    /// Of these, the first is for clients that ask for no name or a strange one.
    pub fn new(identities: &[Identity]) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, identity) in identities.iter().enumerate() {
            for name in &identity.certificate.names {
                let name = name.strip_prefix('*').unwrap_or(name);
                by_name.entry(name.to_owned()).or_default().push(index);
            }
        }
        Self { all: identities.iter().map(|identity| identity.key.clone()).collect(), by_name }
    }

    /// The certificates to try in this order. Several may be for one name, with keys of different kinds.
    fn candidates(&self, name: Option<&str>) -> impl Iterator<Item = &Arc<CertifiedKey>> {
        let name = name.map(str::to_ascii_lowercase).unwrap_or_default();
        // A star stands for one label.
        let parent = name.find('.').map(|dot| &name[dot..]);
        let exact = self.by_name.get(&name);
        let wild = parent.and_then(|parent| self.by_name.get(parent));
        let known = [exact, wild].into_iter().flatten().flatten().filter_map(|index| self.all.get(*index));
        known.chain(&self.all)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let can = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        self.candidates(hello.server_name()).find(can).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testkit;

    #[test]
    fn the_exact_name_comes_before_the_wildcard_and_the_first_is_the_default() {
        let names: [&[&str]; 4] = [&["default.org"], &["*.example.org"], &["a.example.org"], &["A.example.org"]];
        let identities = names.map(|names| testkit::made(names).issue().identity());
        let resolver = Resolver::new(&identities);
        let first = |name: Option<&str>| {
            let found = resolver.candidates(name).next().unwrap();
            resolver.all.iter().position(|key| Arc::ptr_eq(key, found)).unwrap()
        };
        assert_eq!(first(None), 0);
        assert_eq!(first(Some("other.org")), 0);
        assert_eq!(first(Some("a.example.org")), 2);
        assert_eq!(first(Some("A.EXAMPLE.ORG")), 2);
        assert_eq!(first(Some("b.example.org")), 1);
        assert_eq!(first(Some("a.b.example.org")), 0, "a star is one label");
        assert_eq!(first(Some("example.org")), 0, "and not none");
        // A client that cannot verify the first one's kind of key gets the second of that name.
        assert_eq!(resolver.candidates(Some("a.example.org")).count(), 3 + resolver.all.len());
    }
}
