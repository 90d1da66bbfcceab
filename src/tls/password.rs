//! Private keys that are encrypted: decrypted in the arbiter, before they go into the vault.

use super::error::{Named, TlsError};
use super::material::Pem;
use pkcs8::der::pem::LineEnding;
use pkcs8::der::{ErrorKind, SecretDocument};
use pkcs8::{EncryptedPrivateKeyInfoRef, Error, pkcs5};

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// The key without its encryption (PKCS#8, RFC 5958 section 3). What is not encrypted so stays as it is.
///
/// # Errors
/// Another password is wanted, or the encryption is not known.
pub fn decrypted(option: &'static str, key: Pem, password: &str) -> Result<Pem, TlsError> {
    let Some((_, rest)) = key.text.split_once(BEGIN) else { return Ok(key) };
    let file = || Named { option, path: key.path.clone() };
    let damaged = |error: &dyn std::fmt::Display| TlsError::Damaged { file: file(), why: error.to_string() };
    let body = rest.split_once(END).map(|(body, _)| format!("{BEGIN}{body}{END}\n"));
    let body = body.ok_or_else(|| damaged(&"the end of the private key is missing"))?;
    let (_, document) = SecretDocument::from_pem(&body).map_err(|error| damaged(&error))?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| match error {
        Error::Asn1(error) if matches!(error.kind(), ErrorKind::OidUnknown { .. }) => {
            TlsError::UnknownEncryption { file: file() }
        }
        _ => damaged(&error),
    })?;
    let plain = encrypted.decrypt(password).map_err(|error| match error {
        Error::EncryptedPrivateKey(pkcs5::Error::UnsupportedAlgorithm { .. }) => {
            TlsError::UnknownEncryption { file: file() }
        }
        // What a wrong password makes of it may look like anything.
        _ => TlsError::WrongPassword { file: file() },
    })?;
    let text = plain.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|error| damaged(&error))?;
    Ok(Pem { path: key.path, text: text.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testkit::{made, openssl, pair, pem};
    use crate::tls::{Identity, Pair};
    use rustls::crypto::ring::default_provider;

    const WAYS: [&[&str]; 5] = [
        &[],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "des3"],
        &["-scrypt"],
    ];

    fn encrypted(key: &str, way: &[&str]) -> String {
        openssl(&[&["pkcs8", "-topk8", "-passout", "pass:opena"], way].concat(), key)
    }

    #[test]
    fn what_openssl_has_encrypted_is_read() {
        let issued = made(&["a"]).issue();
        for way in WAYS {
            let Pair { certificate, key } = pair(&issued.pem, &encrypted(&issued.key.serialize_pem(), way));
            let key = decrypted("keyfile", key, "opena").unwrap_or_else(|error| panic!("{way:?}: {error}"));
            Identity::of(&Pair { certificate, key }, &default_provider()).unwrap();
        }
    }

    #[test]
    fn a_key_in_the_file_of_its_certificate_is_found() {
        let issued = made(&["a"]).issue();
        let both = pem("x.pem", &format!("{}{}", issued.pem, encrypted(&issued.key.serialize_pem(), &[])));
        let key = decrypted("certfile", both.clone(), "opena").unwrap();
        Identity::of(&Pair { certificate: both, key }, &default_provider()).unwrap();
    }

    #[test]
    fn what_is_not_encrypted_is_not_touched() {
        let key = pem("key.pem", &made(&["a"]).issue().key.serialize_pem());
        assert_eq!(decrypted("keyfile", key.clone(), "opena").unwrap(), key);
    }

    #[test]
    fn what_cannot_be_decrypted_says_why() {
        let key = made(&["a"]).issue().key.serialize_pem();
        let told =
            |text: &str, password: &str| decrypted("keyfile", pem("key.pem", text), password).unwrap_err().to_string();
        let whole = encrypted(&key, &[]);
        let start = "the private key in key.pem (option `keyfile`)";
        assert_eq!(
            told(&whole, "close"),
            format!("{start} is not decrypted by that password (option `ssl_keyfile_password`)")
        );
        assert!(told(&whole.replace(END, ""), "opena").ends_with("is damaged: the end of the private key is missing"));
        assert!(told(&format!("{BEGIN}\nAAAA\n{END}"), "opena").contains("is damaged: "));
        let strange = encrypted(&key, &["-v2", "camellia-256-cbc"]);
        assert!(told(&strange, "opena").contains("in a way that is not known"), "{}", told(&strange, "opena"));
    }
}
