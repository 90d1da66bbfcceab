//! The rustls configuration: made in the arbiter to be checked, in each worker to be used.

use super::error::TlsError;
use super::identity::{self, Identity};
use super::material::{Parcel, Pem};
use super::resolver::Resolver;
use super::suites;
use super::tickets::Ticketer;
use crate::abi::TlsOrders;
use crate::types::TlsVersion;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// Checks everything and makes of it what shakes hands; with the identities, in the order of the settings.
///
/// `protocols` is what ALPN offers (RFC 7301), as `http_protocols` names it.
///
/// # Errors
/// Whatever keeps it from being used. Certificates out of their time are no error.
pub fn server_config(
    parcel: &Parcel,
    orders: &TlsOrders,
    protocols: &[impl AsRef<str>],
) -> Result<(ServerConfig, Vec<Identity>), TlsError> {
    let versions: &[&SupportedProtocolVersion] = match orders.min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let provider = provider(orders)?;
    let pairs = parcel.material.pairs.iter();
    let identities: Vec<Identity> = pairs.map(|pair| Identity::of(pair, &provider)).collect::<Result<_, _>>()?;
    let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions);
    let builder = builder.map_err(|error| setup(&error))?;
    let mut config = match client_verifier(parcel.material.clients.as_ref(), orders, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    }
    .with_cert_resolver(Arc::new(Resolver::new(&identities)));
    let known = protocols.iter().filter_map(|name| match name.as_ref() {
        "h1" => Some(b"http/1.1".to_vec()),
        "h2" => Some(b"h2".to_vec()),
        _ => None,
    });
    config.alpn_protocols = known.collect();
    config.ticketer = Arc::new(Ticketer::new(&parcel.tickets).map_err(|error| setup(&error))?);
    // Sessions live in tickets only: what one worker remembers is nothing to the next, and costs memory in each.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // A request that arrives before the handshake is over can be replayed by anybody (RFC 8446 section 8).
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok((config, identities))
}

fn provider(orders: &TlsOrders) -> Result<Arc<CryptoProvider>, TlsError> {
    let cipher_suites = suites::suites(orders.ciphers.as_deref())?;
    Ok(Arc::new(CryptoProvider { cipher_suites, ..ring::default_provider() }))
}

/// Who looks at the certificates of clients, if they are asked for any.
fn client_verifier(
    clients: Option<&Pem>,
    orders: &TlsOrders,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if orders.cert_reqs == 0 {
        return Ok(None);
    }
    let Some(clients) = clients else {
        // Refused with the settings; here it must not become "everybody".
        return Err(TlsError::Setup("nobody vouches for the certificates of clients; set ca_certs".to_owned()));
    };
    let file = || identity::named("ca_certs", clients);
    let mut roots = RootCertStore::empty();
    for (index, root) in identity::certificates(clients, "ca_certs")?.into_iter().enumerate() {
        roots.add(root).map_err(|error| TlsError::Damaged {
            file: file(),
            why: format!("certificate {} in it cannot be used: {error}", index + 1),
        })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let builder = if orders.cert_reqs == 1 { builder.allow_unauthenticated() } else { builder };
    let verifier = builder.build();
    verifier.map(Some).map_err(|error| TlsError::Damaged { file: file(), why: error.to_string() })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
