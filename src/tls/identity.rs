//! From a pair of PEM texts to a certificate that we can prove to be ours.

use super::certificate::Certificate;
use super::error::{Named, TlsError};
use super::material::{Pair, Pem};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// A certificate with its chain and key, checked.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What the server's own certificate says.
    pub certificate: Certificate,
    /// For rustls.
    pub key: Arc<CertifiedKey>,
}

impl Identity {
    /// Reads and checks a pair. Its times are not looked at: that is a matter of warnings.
    ///
    /// # Errors
    /// Whatever keeps the pair from being used.
    pub fn of(pair: &Pair, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let in_certfile = named("certfile", &pair.certificate);
        let key_option = if pair.key.path == pair.certificate.path { "certfile" } else { "keyfile" };
        let in_keyfile = || named(key_option, &pair.key);
        let chain = certificates(&pair.certificate, "certfile")?;
        let mut parsed = Vec::with_capacity(chain.len());
        for (index, der) in chain.iter().enumerate() {
            parsed.push(Certificate::parse(der).map_err(|why| TlsError::Damaged {
                file: in_certfile.clone(),
                why: format!("certificate {} in it is none: {why}", index + 1),
            })?);
        }
        let key = private_key(&pair.key, in_keyfile())?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| TlsError::UnusableKey { file: in_keyfile() })?;
        let certified = CertifiedKey::new(chain.clone(), key.clone());
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                let fits =
                    |der: &CertificateDer<'static>| CertifiedKey::new(vec![der.clone()], key.clone()).keys_match();
                let hint = match chain.iter().skip(1).any(|der| fits(der).is_ok()) {
                    true => "; it belongs to a later one: put that one first",
                    false => "; name the key that the certificate was made for",
                };
                return Err(TlsError::Mismatch { certificate: in_certfile, key: in_keyfile(), hint });
            }
            Err(error) => return Err(TlsError::Damaged { file: in_certfile, why: error.to_string() }),
        }
        // `certificates` gives at least one.
        let Some(certificate) = parsed.into_iter().next() else {
            return Err(TlsError::NoCertificate { file: in_certfile, hint: "" });
        };
        Ok(Self { certificate, key: Arc::new(certified) })
    }
}

pub(super) fn named(option: &'static str, pem: &Pem) -> Named {
    Named { option, path: pem.path.clone() }
}

/// Every certificate in the text; at least one.
pub(super) fn certificates(pem: &Pem, option: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = || named(option, pem);
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.text.as_bytes()).collect();
    let found = found.map_err(|error| TlsError::Damaged { file: file(), why: error.to_string() })?;
    if !found.is_empty() {
        return Ok(found);
    }
    let hint = if pem.text.contains("PRIVATE KEY-----") {
        "; it holds a private key: are certfile and keyfile mixed up?"
    } else {
        der_hint(pem, "; it may be DER: convert it with openssl x509 -inform der")
    };
    Err(TlsError::NoCertificate { file: file(), hint })
}

fn private_key(pem: &Pem, file: Named) -> Result<PrivateKeyDer<'static>, TlsError> {
    // PKCS#8 says it in its label, the older forms in a header.
    if pem.text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Err(TlsError::Encrypted { file });
    }
    if pem.text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::OldEncryption { file });
    }
    match PrivateKeyDer::from_pem_slice(pem.text.as_bytes()) {
        Ok(key) => Ok(key),
        // DSA has a label of its own.
        Err(rustls_pki_types::pem::Error::NoItemsFound) if pem.text.contains("PRIVATE KEY-----") => {
            Err(TlsError::UnusableKey { file })
        }
        Err(rustls_pki_types::pem::Error::NoItemsFound) => {
            let hint = match file.option {
                "certfile" => "; set keyfile",
                _ => der_hint(pem, "; it may be DER: convert it with openssl pkey -inform der"),
            };
            Err(TlsError::NoKey { file, hint })
        }
        Err(error) => Err(TlsError::Damaged { file, why: error.to_string() }),
    }
}

/// An ASN.1 sequence is what all binary forms begin with.
fn der_hint(pem: &Pem, hint: &'static str) -> &'static str {
    if pem.text.starts_with('0') && !pem.text.contains("-----BEGIN") { hint } else { "" }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
