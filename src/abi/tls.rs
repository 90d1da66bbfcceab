//! What a worker has to know to speak TLS, besides certificates and keys: those lie in a vault of their own (`tls`),
//! because they change while a worker lives and must never be in a text that somebody may print.

use crate::types::TlsVersion;
use serde::{Deserialize, Serialize};

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsOrders {
    /// Gunicorn's `cert_reqs`: 0: clients are not asked for a certificate, 1: they may show one, 2: they must.
    pub cert_reqs: u16,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// Names of cipher suites, as `ciphers` has them; none: all that are known.
    pub ciphers: Option<String>,
}

impl Default for TlsOrders {
    fn default() -> Self {
        Self { cert_reqs: 0, min_version: TlsVersion::V1_2, ciphers: None }
    }
}
