//! Handshakes without a socket: what is agreed on with whom, and what is refused.

use super::*;
use crate::tls::TlsFacts;
use crate::tls::testkit::{self, Issued, Made, authority, client, made, parcel, shake};
use rustls::ClientConfig;

const BOTH: [&str; 2] = ["h2", "h1"];

fn config(parcel: &Parcel, orders: &TlsOrders) -> Arc<ServerConfig> {
    Arc::new(server_config(parcel, orders, &BOTH).unwrap().0)
}

fn any(ca: &Issued) -> Arc<ClientConfig> {
    Arc::new(client(ca, None, &[&TLS12, &TLS13]))
}

fn facts(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>, name: &str) -> TlsFacts {
    TlsFacts::of(&shake(server, client, name).unwrap().0)
}

#[test]
fn each_name_gets_its_certificate_and_strangers_the_first() {
    let ca = authority();
    let names: [&[&str]; 3] = [&["default.org", "stranger.net"], &["a.example.org"], &["*.example.org"]];
    let issued = names.map(|names| made(names).issue_by(&ca));
    let server = config(&parcel(issued.iter().map(Issued::pair).collect(), None), &TlsOrders::default());
    for (name, index) in [("default.org", 0), ("a.example.org", 1), ("b.example.org", 2), ("stranger.net", 0)] {
        let (seen, shown) = shake(&server, &any(&ca), name).unwrap();
        assert_eq!(shown.peer_certificates().unwrap()[0].to_vec(), issued[index].der, "{name}");
        assert_eq!(TlsFacts::of(&seen).server_name(), Some(name));
    }
}

#[test]
fn the_facts_are_told() {
    let ca = authority();
    let server = config(&parcel(vec![made(&["a.org"]).issue_by(&ca).pair()], None), &TlsOrders::default());
    let facts_of = |version| facts(&server, &Arc::new(client(&ca, None, &[version])), "a.org");
    let (new, old) = (facts_of(&TLS13), facts_of(&TLS12));
    assert_eq!((new.version(), new.version_number()), ("TLSv1.3", 0x0304));
    assert_eq!((new.cipher_suite(), new.cipher_suite_number()), ("TLS_AES_256_GCM_SHA384", 0x1302));
    assert_eq!((old.version(), old.version_number()), ("TLSv1.2", 0x0303));
    assert_eq!(old.cipher_suite(), "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    assert!(new.alpn().is_none() && new.client_chain().is_empty() && new.client_subject().is_none());
}

#[test]
fn the_preferred_protocol_of_the_server_wins_and_a_strange_one_ends_it() {
    let ca = authority();
    let parcel = parcel(vec![made(&["a.org"]).issue_by(&ca).pair()], None);
    let offering = |offers: &[&str]| {
        let mut client = client(&ca, None, &[&TLS13]);
        client.alpn_protocols = offers.iter().map(|offer| offer.as_bytes().to_vec()).collect();
        Arc::new(client)
    };
    for (order, offers, wanted) in [
        (["h2", "h1"], ["http/1.1", "h2"], "h2"),
        (["h1", "h2"], ["h2", "http/1.1"], "http/1.1"),
        (["h2", "h1"], ["http/1.1", "spdy/3"], "http/1.1"),
    ] {
        let server = Arc::new(server_config(&parcel, &TlsOrders::default(), &order).unwrap().0);
        assert_eq!(facts(&server, &offering(&offers), "a.org").alpn(), Some(wanted.as_bytes()));
    }
    let server = config(&parcel, &TlsOrders::default());
    assert!(shake(&server, &offering(&["spdy/3"]), "a.org").is_err());
}

#[test]
fn the_minimum_version_and_the_suites_are_kept() {
    let ca = authority();
    let parcel = parcel(vec![made(&["a.org"]).issue_by(&ca).pair()], None);
    let (old, new) = (Arc::new(client(&ca, None, &[&TLS12])), Arc::new(client(&ca, None, &[&TLS13])));
    let server = config(&parcel, &TlsOrders { min_version: TlsVersion::V1_3, ..TlsOrders::default() });
    assert!(shake(&server, &old, "a.org").is_err());
    assert_eq!(facts(&server, &new, "a.org").version(), "TLSv1.3");
    let only = |ciphers: &str| config(&parcel, &TlsOrders { ciphers: Some(ciphers.into()), ..TlsOrders::default() });
    let server = only("ECDHE-ECDSA-CHACHA20-POLY1305");
    let suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    assert_eq!(facts(&server, &old, "a.org").cipher_suite(), suite);
    assert_eq!(facts(&server, &new, "a.org").version(), "TLSv1.3");
    let server = only("TLS_CHACHA20_POLY1305_SHA256");
    assert!(shake(&server, &old, "a.org").is_err());
    assert_eq!(facts(&server, &new, "a.org").cipher_suite(), "TLS_CHACHA20_POLY1305_SHA256");
}

#[test]
fn clients_show_who_they_are() {
    let (ca, stranger) = (authority(), authority());
    let alice = Made { common_name: "alice", ..made(&[]) }.issue_by(&ca);
    let mallory = Made { common_name: "alice", ..made(&[]) }.issue_by(&stranger);
    let late = Made { years: (2020, 2021), ..made(&[]) }.issue_by(&ca);
    let parcel = parcel(vec![made(&["a.org"]).issue_by(&ca).pair()], Some(&ca.pem));
    let with = |shown: Option<&Issued>| Arc::new(client(&ca, shown, &[&TLS12, &TLS13]));
    for (cert_reqs, nobody) in [(1, true), (2, false)] {
        let server = config(&parcel, &TlsOrders { cert_reqs, ..TlsOrders::default() });
        let told = facts(&server, &with(Some(&alice)), "a.org");
        assert_eq!((told.client_subject(), told.client_chain().len()), (Some("CN=alice"), 1));
        assert_eq!(told.client_chain()[0].to_vec(), alice.der);
        assert_eq!(shake(&server, &with(None), "a.org").is_ok(), nobody, "{cert_reqs}");
        assert!(shake(&server, &with(Some(&mallory)), "a.org").is_err());
        assert!(shake(&server, &with(Some(&late)), "a.org").is_err());
    }
    let server = config(&parcel, &TlsOrders::default());
    assert_eq!(facts(&server, &with(Some(&alice)), "a.org").client_subject(), None, "not asked for");
}

#[test]
fn a_session_goes_on_at_another_worker_with_its_client_certificate() {
    let ca = authority();
    let alice = Made { common_name: "alice", ..made(&[]) }.issue_by(&ca);
    let parcel = parcel(vec![made(&["a.org"]).issue_by(&ca).pair()], Some(&ca.pem));
    let orders = TlsOrders { cert_reqs: 2, ..TlsOrders::default() };
    for version in [&TLS12, &TLS13] {
        let client = Arc::new(client(&ca, Some(&alice), &[version]));
        assert!(!facts(&config(&parcel, &orders), &client, "a.org").is_resumed());
        let again = facts(&config(&parcel, &orders), &client, "a.org");
        assert_eq!((again.is_resumed(), again.client_subject()), (true, Some("CN=alice")), "{version:?}");
        let strange = Parcel { tickets: testkit::parcel(Vec::new(), None).tickets, ..parcel.clone() };
        assert!(!facts(&config(&strange, &orders), &client, "a.org").is_resumed(), "another key");
    }
}

#[test]
fn what_cannot_be_set_up_is_told() {
    let ca = authority();
    let pair = made(&["a.org"]).issue_by(&ca).pair();
    let told = |clients: Option<&str>, orders: &TlsOrders| {
        let parcel = parcel(vec![pair.clone()], clients);
        server_config(&parcel, orders, &BOTH).map(|_| ()).unwrap_err().to_string()
    };
    let asking = TlsOrders { cert_reqs: 1, ..TlsOrders::default() };
    assert!(told(None, &asking).ends_with("set ca_certs"));
    assert_eq!(told(Some("x"), &asking), "ca.pem (option `ca_certs`) holds no certificate in PEM form");
    let broken = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca.pem);
    let line = told(Some(&broken), &asking);
    assert!(line.starts_with("ca.pem (option `ca_certs`) is damaged: certificate 2 in it cannot be used: "), "{line}");
    let old_only = Some("ECDHE-RSA-AES128-GCM-SHA256:DES".to_owned());
    assert!(told(None, &TlsOrders { ciphers: old_only, ..TlsOrders::default() }).starts_with("ciphers: \"DES\""));
}
