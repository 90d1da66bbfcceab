//! Header fields with an underscore in their name. In a WSGI environ, and in what some ASGI frameworks make of a scope,
//! they cannot be told from those with a hyphen, which a proxy may have checked or removed.

use http::HeaderName;
use http::request::Parts;
use rustcorn::settings::HeaderMap as Mapping;
use rustcorn::{Connection, Settings};

/// What becomes of them.
#[derive(Clone, Debug)]
pub struct Underscores {
    mapping: Mapping,
    /// Such fields that a trusted proxy may send all the same.
    proxys: Vec<HeaderName>,
}

impl Underscores {
    /// What the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let names = settings.forwarder_headers.split(',').map(str::trim);
        let proxys = names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect();
        Self { mapping: settings.header_map, proxys }
    }

    /// Whether it is one of those that the proxy at the other end may send, and none other.
    pub(crate) fn is_proxys(&self, name: &HeaderName, connection: Option<&Connection>) -> bool {
        self.proxys.contains(name) && connection.is_some_and(Connection::is_from_trusted_proxy)
    }

    /// Whether the application sees this field, which has an underscore in its name.
    pub(crate) fn pass(&self, name: &HeaderName, connection: Option<&Connection>) -> bool {
        self.mapping == Mapping::Dangerous || self.is_proxys(name, connection)
    }

    /// Whether the request is not answered because of such a field.
    pub(crate) fn refuse(&self, head: &Parts) -> bool {
        let connection = head.extensions.get::<Connection>();
        self.mapping == Mapping::Refuse
            && head.headers.keys().any(|name| name.as_str().contains('_') && !self.is_proxys(name, connection))
    }
}
