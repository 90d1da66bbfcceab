//! What a worker is told about proxies.

use crate::types::{ProxyHeaders, ProxyProtocol};
use serde::{Deserialize, Serialize};

/// Whom to believe about the client. By default nobody but Unix peers, so that an arbiter that does not speak of it opens
/// no door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProxyOrders {
    /// Which PROXY headers connections begin with.
    pub protocol: ProxyProtocol,
    /// Who has to send them, as [`crate::proxies::Trusted::parse`] reads it.
    pub allow: Vec<String>,
    /// Which headers of a request are believed.
    pub headers: ProxyHeaders,
    /// Whose they are, written as `allow`.
    pub forwarded_allow: Vec<String>,
    /// Headers that tell the scheme, each with the value that means TLS.
    pub secure_scheme_headers: Vec<(String, String)>,
}

impl Default for ProxyOrders {
    fn default() -> Self {
        Self {
            protocol: ProxyProtocol::Off,
            allow: Vec::new(),
            headers: ProxyHeaders::Off,
            forwarded_allow: Vec::new(),
            secure_scheme_headers: Vec::new(),
        }
    }
}
