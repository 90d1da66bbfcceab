//! `ciphers`: the cipher suites by their names.

use super::error::TlsError;
use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite as ring;

/// Every suite that is known, the preferred one first, with its names at IANA and in OpenSSL.
static KNOWN: [(&str, &str, &SupportedCipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", &ring::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", &ring::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", &ring::TLS13_CHACHA20_POLY1305_SHA256),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        &ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        &ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        &ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The names of every suite, at IANA and in OpenSSL: the same for those of TLS 1.3.
#[cfg(feature = "arbiter")]
pub fn cipher_suites() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.iter().map(|(iana, openssl, _)| (*iana, *openssl))
}

/// The suites that `ciphers` names; none: all. A list without one of TLS 1.3 leaves those as they are, because to
/// OpenSSL, whose lists people have, they are another option's business.
pub fn suites(ciphers: Option<&str>) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let Some(ciphers) = ciphers else { return Ok(KNOWN.iter().map(|(_, _, suite)| **suite).collect()) };
    let mut chosen = Vec::new();
    for name in ciphers.split([':', ',', ' ']).map(str::trim).filter(|name| !name.is_empty()) {
        let found = KNOWN
            .iter()
            .find(|(iana, openssl, _)| iana.eq_ignore_ascii_case(name) || openssl.eq_ignore_ascii_case(name));
        match found {
            Some((_, _, suite)) => chosen.push(**suite),
            None => {
                let known = KNOWN.map(|(iana, _, _)| iana).join(", ");
                return Err(TlsError::Ciphers(format!("{name:?} is no suite that is known here; known are {known}")));
            }
        }
    }
    if chosen.is_empty() {
        return Err(TlsError::Ciphers("no suite is named; leave the option out to have all".to_owned()));
    }
    if !chosen.iter().any(is_tls13) {
        chosen.extend(KNOWN.iter().map(|(_, _, suite)| **suite).filter(is_tls13));
    }
    Ok(chosen)
}

fn is_tls13(suite: &SupportedCipherSuite) -> bool {
    suite.tls13().is_some()
}

/// The name of a suite at IANA; none if it is not one of ours.
pub fn name(suite: SupportedCipherSuite) -> Option<&'static str> {
    KNOWN.iter().find(|(_, _, known)| **known == suite).map(|(iana, _, _)| *iana)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ciphers: &str) -> Vec<&'static str> {
        suites(Some(ciphers)).unwrap().into_iter().filter_map(name).collect()
    }

    #[test]
    fn the_table_has_every_suite_of_the_provider() {
        let all = suites(None).unwrap();
        assert_eq!(all.len(), rustls::crypto::ring::ALL_CIPHER_SUITES.len());
        assert!(rustls::crypto::ring::ALL_CIPHER_SUITES.iter().all(|suite| all.contains(suite)));
        for (iana, _, suite) in KNOWN {
            // rustls writes TLS13_AES where IANA writes TLS_AES.
            assert_eq!(format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"), iana);
        }
    }

    #[test]
    fn both_kinds_of_names_are_known() {
        let both = "ecdhe-rsa-aes128-gcm-sha256:TLS_AES_128_GCM_SHA256";
        assert_eq!(names(both), ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"]);
        assert_eq!(names("ECDHE-RSA-AES128-GCM-SHA256").len(), 1 + 3, "TLS 1.3 stays as it is");
        assert_eq!(names(" TLS_AES_128_GCM_SHA256 , "), ["TLS_AES_128_GCM_SHA256"]);
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_is_known() {
        let told = suites(Some("HIGH:!MD5")).unwrap_err().to_string();
        assert!(told.starts_with("ciphers: \"HIGH\" is no suite that is known here; known are TLS_AES_256"), "{told}");
        assert!(suites(Some(" : ")).is_err());
    }
}
