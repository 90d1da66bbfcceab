//! Every form of key, and every sentence about a file that cannot be used. The keys were made by openssl.

use super::*;
use crate::tls::testkit::{self, made, openssl, pair};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use rustls::crypto::ring::default_provider;

fn read(pair: &Pair) -> Result<Identity, TlsError> {
    Identity::of(pair, &default_provider())
}

#[track_caller]
fn complaint(certificate: &str, key: &str) -> String {
    let told = read(&pair(certificate, key)).unwrap_err().to_string();
    assert!(!told.contains('\n'), "{told}");
    told
}

#[test]
fn every_kind_of_key_in_every_form_is_read() {
    let rsa = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "");
    let pkcs1 = openssl(&["rsa", "-traditional"], &rsa);
    assert!(rsa.contains("BEGIN PRIVATE KEY") && pkcs1.contains("BEGIN RSA PRIVATE KEY"));
    let made_rsa = made(&["a"]).issue_with(KeyPair::from_pem(&rsa).unwrap());
    for key in [&rsa, &pkcs1] {
        read(&pair(&made_rsa.pem, key)).unwrap();
    }
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
        let issued = made(&["a"]).issue_with(KeyPair::generate_for(algorithm).unwrap());
        let sec1 = openssl(&["ec"], &issued.key.serialize_pem());
        assert!(sec1.contains("BEGIN EC PRIVATE KEY"));
        read(&issued.pair()).unwrap();
        read(&pair(&issued.pem, &sec1)).unwrap();
    }
    read(&made(&["a"]).issue_with(KeyPair::generate_for(&PKCS_ED25519).unwrap()).pair()).unwrap();
}

#[test]
fn one_file_may_hold_the_chain_and_the_key_and_remarks() {
    let ca = testkit::authority();
    let issued = made(&["a"]).issue_by(&ca);
    let all = format!("Bag Attributes \u{fffd}\n{}{}\n{}", issued.key.serialize_pem(), issued.pem, ca.pem);
    let pem = testkit::pem("all.pem", &all);
    let identity = read(&Pair { certificate: pem.clone(), key: pem }).unwrap();
    assert_eq!((identity.key.cert.len(), identity.certificate.names), (2, vec!["a".to_owned()]));
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let issued = made(&["a"]).issue();
    let (certificate, key) = (issued.pem.as_str(), issued.key.serialize_pem());
    assert_eq!(complaint("", &key), "cert.pem (option `certfile`) holds no certificate in PEM form");
    let told = complaint(&key, certificate);
    assert!(told.ends_with("PEM form; it holds a private key: are certfile and keyfile mixed up?"), "{told}");
    let der = String::from_utf8_lossy(&issued.der);
    assert!(complaint(&der, &key).ends_with("; it may be DER: convert it with openssl x509 -inform der"));
    assert_eq!(complaint(certificate, ""), "key.pem (option `keyfile`) holds no private key in PEM form");
    let der = String::from_utf8_lossy(issued.key.serialized_der());
    assert!(complaint(certificate, &der).ends_with("; it may be DER: convert it with openssl pkey -inform der"));
    let alone = testkit::pem("cert.pem", certificate);
    let told = read(&Pair { certificate: alone.clone(), key: alone }).unwrap_err().to_string();
    assert_eq!(told, "cert.pem (option `certfile`) holds no private key in PEM form; set keyfile");
}

#[test]
fn an_encrypted_key_is_called_so_in_both_forms() {
    let issued = made(&["a"]).issue();
    let start = "the private key in key.pem (option `keyfile`) is encrypted";
    let modern = openssl(&["pkcs8", "-topk8", "-passout", "pass:x"], &issued.key.serialize_pem());
    let old = openssl(&["ec", "-aes128", "-passout", "pass:x"], &issued.key.serialize_pem());
    assert!(modern.contains("ENCRYPTED PRIVATE KEY") && old.contains("Proc-Type: 4,ENCRYPTED"));
    assert_eq!(complaint(&issued.pem, &modern), format!("{start}; set ssl_keyfile_password"));
    let told = complaint(&issued.pem, &old);
    assert!(told.starts_with(start) && told.ends_with("openssl pkcs8 -topk8 -in key.pem -out KEYFILE"), "{told}");
}

#[test]
fn keys_that_rustls_does_not_know_are_told_with_those_that_it_does() {
    let issued = made(&["a"]).issue();
    let dsa = "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n".to_owned();
    let small = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "");
    let curve = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "");
    for key in [dsa, small, curve] {
        let told = complaint(&issued.pem, &key);
        assert!(told.starts_with("the private key in key.pem (option `keyfile`) cannot be used; use RSA"), "{told}");
    }
}

#[test]
fn a_pair_that_is_none_is_refused() {
    let ca = testkit::authority();
    let (issued, other) = (made(&["a"]).issue_by(&ca), made(&["b"]).issue_by(&ca));
    let told = complaint(&issued.pem, &other.key.serialize_pem());
    let start = "the private key in key.pem (option `keyfile`) does not belong to the first certificate in cert.pem (option `certfile`)";
    assert_eq!(told, format!("{start}; name the key that the certificate was made for"));
    let turned = format!("{}{}", ca.pem, issued.pem);
    let told = complaint(&turned, &issued.key.serialize_pem());
    assert_eq!(told, format!("{start}; it belongs to a later one: put that one first"));
}

#[test]
fn damage_is_told_with_its_place() {
    let issued = made(&["a"]).issue();
    let key = issued.key.serialize_pem();
    let broken = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", issued.pem);
    let told = complaint(&broken, &key);
    assert!(told.starts_with("cert.pem (option `certfile`) is damaged: certificate 2 in it is none: "), "{told}");
    let open = issued.pem.replace("-----END CERTIFICATE-----", "");
    let told = complaint(&open, &key);
    assert!(told.starts_with("cert.pem (option `certfile`) is damaged: "), "{told}");
}

#[test]
fn nothing_shows_the_key() {
    let issued = made(&["a"]).issue();
    let pair = issued.pair();
    let parcel = testkit::parcel(vec![pair.clone()], None);
    let shown = format!("{pair:?} {parcel:?} {:?} {:#?}", read(&pair).unwrap(), parcel);
    let secret = pair.key.text.lines().nth(1).unwrap();
    assert!(!shown.contains(secret) && !shown.contains("PRIVATE") && shown.contains("key.pem"), "{shown}");
}
