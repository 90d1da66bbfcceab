//! Private keys that are encrypted: decrypted in the arbiter, before they go into the vault.

use super::error::{Named, TlsError};
use super::material::Pem;
use pkcs8::der::SecretDocument;
use pkcs8::der::pem::LineEnding;
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
    let body = rest.split_once(END).map(|(body, _)| strict(body));
    let body = body.ok_or_else(|| damaged(&"the end of the private key is missing"))?;
    let (_, document) = SecretDocument::from_pem(&body).map_err(|error| damaged(&error))?;
    // The document is whole by now, so that what is not understood of it is how the key is encrypted.
    let unknown = || TlsError::UnknownEncryption { file: file() };
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| unknown())?;
    let plain = encrypted.decrypt(password).map_err(|error| match error {
        // What a wrong password makes of it may look like anything.
        Error::Asn1(_) | Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) => {
            TlsError::WrongPassword { file: file() }
        }
        _ => unknown(),
    })?;
    let text = plain.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|error| damaged(&error))?;
    Ok(Pem { path: key.path, text: text.to_string() })
}

/// As RFC 7468 has it written, in lines of 64: OpenSSL reads others too.
fn strict(body: &str) -> String {
    const WIDTH: usize = 64;
    let letters: Vec<char> = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    let lines = letters.chunks(WIDTH).map(|line| line.iter().collect::<String>());
    format!("{BEGIN}\n{}\n{END}\n", lines.collect::<Vec<_>>().join("\n"))
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

    /// Made by openssl pkcs8 -v1 PBE-MD5-DES, for which it needs a provider that is not everywhere.
    const OLD_DES: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGwMBsGCSqGSIb3DQEFAzAOBAiFA0hmD3us0wICCAAEgZAIApvUQRMxInuNMPTo
UaY2Mh8XVbjNt/zCHsPeuzWedhP5mzk86yHfwFU1tKrwA93K8cLXB9EyZ0N6kJ+r
BJ2gh1xxAPIAfE706Ie38m+4qmbBSc+sVlvz/qJoiyK+TD+dRakfaYs5oHegalE4
KOAWjrR7FkubtGdlMvd40NeRKCP/hIpDgfBy620H5Ti+KrQ=
-----END ENCRYPTED PRIVATE KEY-----
";

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
    fn lines_of_any_length_are_read() {
        let issued = made(&["a"]).issue();
        let text = encrypted(&issued.key.serialize_pem(), &[]);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('-')).collect();
        let one = lines.concat();
        let (head, tail) = one.split_at(76);
        for body in [one.clone(), format!("{head}\n{tail}"), lines.join("  \r\n"), lines.join("\n\n")] {
            let text = format!("{BEGIN}\n{body} \n{END}\n");
            let Pair { certificate, key } = pair(&issued.pem, &text);
            let key = decrypted("keyfile", key, "opena").unwrap_or_else(|error| panic!("{text}: {error}"));
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
        let strange = [&["-v2", "camellia-256-cbc"], &["-v1", "PBE-SHA1-3DES"]].map(|way| encrypted(&key, way));
        for strange in strange.iter().map(String::as_str).chain([OLD_DES]) {
            assert!(told(strange, "opena").contains("in a way that is not known"), "{}", told(strange, "opena"));
        }
    }
}
